import pytest

from enricher.model.library import FOREIGN_HINTS, file_name, tier


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"C:\Windows\System32\schannel.dll", "stack"),
        (r"C:\Windows\System32\NCRYPTSSLP.DLL", "provider"),
        (r"\Device\HarddiskVolume3\Windows\System32\rsaenh.dll", "context"),
        (r"C:\Program Files\Git\mingw64\bin\libssl-3-x64.dll", "foreign"),
        (r"C:\app\libcrypto-1_1-x64.dll", "foreign"),
        (r"C:\app\ssleay32.dll", "foreign"),
        (r"C:\app\libgnutls-30.dll", "foreign"),
        (r"C:\app\nss3.dll", "foreign"),
        (r"C:\Windows\System32\bcryptprimitives.dll", None),
        (r"C:\Windows\System32\sspicli.dll", None),
        (r"C:\Windows\System32\cryptui.dll", None),
        (r"C:\app\my-crypto-game.dll", None),
        ("", None),
    ],
)
def test_a_module_tells_as_much_as_its_name(path: str, expected: str | None) -> None:
    assert tier(path) == expected


def test_every_foreign_name_holds_a_hint() -> None:
    for name in ("libssl-3.dll", "libeay32.dll", "gnutls.dll", "mbedtls.dll", "wolfssl.dll", "botan-3.dll", "ssl3.dll"):
        assert tier(name) == "foreign"
        assert any(hint in name for hint in FOREIGN_HINTS)


def test_a_file_name_is_found_behind_either_slash() -> None:
    assert file_name(r"C:\a/B.DLL") == "b.dll"
