import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.verdict import paths


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (r"C:\Windows\System32\A.EXE", r"c:\windows\system32\a.exe"),
        (r"\\?\C:\Windows\a.exe", r"c:\windows\a.exe"),
        (r"\??\C:\Windows\a.exe", r"c:\windows\a.exe"),
        (r"\Device\HarddiskVolume12\Windows\a.exe", r"?:\windows\a.exe"),
        (r"\SystemRoot\System32\a.exe", r"?:\windows\system32\a.exe"),
        (r"%SystemRoot%\a.exe", r"?:\windows\a.exe"),
        ("C:/Program Files/a.exe", r"c:\program files\a.exe"),
        (' "C:\\a.exe" ', r"c:\a.exe"),
        (r"\\server\share\a.exe", r"\\server\share\a.exe"),
    ],
)
def test_one_path_has_one_form(written, normal):
    assert paths.normalise(written) == normal


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        (r"C:\Program Files\Acme\a.exe", r"C:\PROGRAM FILES\acme\A.EXE", True),
        (r"C:\Program Files\Acme\a.exe", r"C:\PROGRA~1\Acme\a.exe", True),
        (r"C:\Program Files (x86)\Acme\a.exe", r"C:\PROGRA~2\Acme\a.exe", True),
        (r"C:\Program Files\Acme\a.exe", r"\Device\HarddiskVolume3\Program Files\Acme\a.exe", True),
        (r"C:\Program Files\Acme\a.exe", r"D:\Program Files\Acme\a.exe", False),
        (r"C:\Program Files\Acme\a.exe", r"C:\Program Files\Acme\x\a.exe", False),
        (r"C:\Program Files\Acme\a.exe", r"C:\ACME~1\Acme\a.exe", False),
        (r"C:\Users\*\a.exe", r"C:\Users\bob\a.exe", True),
        (r"C:\Users\*\a.exe", r"C:\Users\bob\x\a.exe", False),
        (r"C:\a+b\a.exe", r"C:\aab\a.exe", False),
    ],
)
def test_a_pattern_fits_whole_paths_in_any_spelling(pattern, path, fits):
    assert bool(paths.pattern(pattern).fullmatch(paths.normalise(path))) is fits


@pytest.mark.parametrize(
    ("path", "drop", "writable", "windows"),
    [
        (r"C:\Users\bob\Downloads\a.exe", True, True, False),
        (r"C:\Users\Public\a.exe", True, True, False),
        (r"C:\Users\bob\AppData\Local\Temp\x\a.exe", True, True, False),
        (r"C:\$Recycle.Bin\S-1-5-21\a.exe", True, True, False),
        (r"C:\Temp\a.exe", True, True, False),
        (r"C:\tmp\a.exe", True, True, False),
        (r"C:\Windows\Temp\a.exe", True, True, False),
        (r"\Device\HarddiskVolume2\Windows\Temp\a.exe", True, True, False),
        (r"C:\Windows\System32\spool\drivers\color\a.exe", True, True, False),
        (r"C:\Users\bob\AppData\Roaming\a.exe", False, True, False),
        (r"C:\ProgramData\a.exe", False, True, False),
        (r"\\server\share\a.exe", False, True, False),
        (r"C:\Windows\System32\a.exe", False, False, True),
        (r"C:\Windows\SysWOW64\a.exe", False, False, True),
        (r"C:\Program Files (x86)\a.exe", False, False, False),
        (r"C:\Template\a.exe", False, False, False),
    ],
)
def test_folders_tell_who_may_write_there(path, drop, writable, windows):
    assert (paths.is_drop_folder(path), paths.is_user_writable(path), paths.is_windows(path)) == (
        drop,
        writable,
        windows,
    )


@given(st.text())
def test_any_text_has_a_form_and_fits_itself_as_a_pattern(text):
    normal = paths.normalise(text)
    assert paths.pattern(normal).fullmatch(paths.normalise(normal))
