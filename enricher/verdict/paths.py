"""Windows paths as products write them, brought to one form, and what their folders tell."""

import re
from typing import Final

_PREFIX: Final = re.compile(r"^\\(?:\\[?.]|\?\?)\\")
_VOLUME: Final = re.compile(r"^\\device\\harddiskvolume\d+\\")
_SYSTEM_ROOT: Final = re.compile(r"^\\?%?systemroot%?\\")
_NOT_IN_SHORT_NAMES: Final = re.compile(r"[ .+,;=\[\]]")

_DROP: Final = re.compile(
    r"""\\users\\public\\ | \\users\\[^\\]+\\downloads\\ | \\appdata\\local\\temp\\ | ^.:\\(?:windows\\)?te?mp\\
    | ^.:\\(?:\$recycle\.bin|recycler|perflogs)\\ | \\temporary\ internet\ files\\ | \\inetcache\\
    | ^.:\\windows\\(?:tasks|tracing|debug|system32\\(?:tasks|spool\\drivers\\color))\\""",
    re.VERBOSE,
)
_USER_WRITABLE: Final = re.compile(r"^.:\\(?:users|documents and settings|programdata)\\|^\\\\")
_WINDOWS: Final = re.compile(r"^.:\\windows\\")


def normalise(path: str) -> str:
    r"""Lower case, backslashes, no device prefix; a volume whose letter is not told becomes `?:`.

    `\\?\C:\X`, `\??\C:\X` and `C:/X` give `c:\x`; `\Device\HarddiskVolume3\X` and `\SystemRoot\X` give `?:\…`.
    """
    text = path.strip().strip('"').replace("/", "\\").lower()
    if text[1:3] == ":\\":
        return text
    text = _SYSTEM_ROOT.sub(r"?:\\windows\\", _PREFIX.sub("", text))
    return _VOLUME.sub(r"?:\\", text)


def pattern(path: str) -> re.Pattern[str]:
    """Compile a path for matching normalised paths.

    `*` stands for anything within one folder's or file's name. A folder also matches its 8.3 short name, the drive
    an untold volume.
    """
    drive, *parts = normalise(path).split("\\")
    return re.compile(r"\\".join([rf"(?:{re.escape(drive)}|\?:)", *map(_part, parts)]), re.DOTALL)


def _part(name: str) -> str:
    long = re.escape(name).replace(r"\*", r"[^\\]*")
    if "*" in name:
        return long
    short = re.escape(_NOT_IN_SHORT_NAMES.sub("", name)[:6])
    return rf"(?:{long}|{short}~\d)" if len(name) > 8 or " " in name else long


def is_drop_folder(path: str) -> bool:
    """Where downloads and droppers leave files: Downloads, Temp, Public, the Recycle Bin and the like."""
    return _DROP.search(normalise(path)) is not None


def is_user_writable(path: str) -> bool:
    """Where an ordinary user may write: profiles, ProgramData, network shares, and every drop folder."""
    return is_drop_folder(path) or _USER_WRITABLE.search(normalise(path)) is not None


def is_windows(path: str) -> bool:
    """Under the Windows folder, and not in one of its corners that anybody may write to."""
    return _WINDOWS.search(normalise(path)) is not None and not is_drop_folder(path)


def folder(path: str) -> str:
    """The folder of a path, normalised, with its last backslash."""
    head, sep, _ = normalise(path).rpartition("\\")
    return head + sep
