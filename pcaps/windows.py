"""Windows programs as Sysmon describes them: versions, signers, hashes, and the modules each loads. All invented."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

SYSTEM32 = "C:\\Windows\\System32\\"
MICROSOFT = ("Microsoft Corporation", "Microsoft® Windows® Operating System", "10.0.19041.4522 (WinBuild.160101.0800)")


@dataclass(frozen=True)
class File:
    """An image or module on disk, with its version resource and signature."""

    path: str
    description: str = "-"
    company: str = "-"
    product: str = "-"
    version: str = "-"
    original_name: str = "-"
    signer: str | None = None

    @property
    def hashes(self) -> str:
        """Hashes of a file that never was."""

        def digest(algorithm: str) -> str:
            return hashlib.new(algorithm, f"an1496 {self.path} {self.version}".encode()).hexdigest().upper()

        imphash = hashlib.md5(f"imports {self.path}".encode()).hexdigest().upper()
        return f"SHA1={digest('sha1')},MD5={digest('md5')},SHA256={digest('sha256')},IMPHASH={imphash}"

    def resource(self) -> dict[str, str]:
        return {
            "FileVersion": self.version,
            "Description": self.description,
            "Product": self.product,
            "Company": self.company,
            "OriginalFileName": self.original_name,
        }


def windows_file(name: str, description: str, signer: str = "Microsoft Windows", directory: str = SYSTEM32) -> File:
    company, product, version = MICROSOFT
    return File(directory + name, description, company, product, version, name, signer)


def vendor_file(path: str, company: str, product: str, version: str, signer: str | None) -> File:
    return File(path, product, company, product, version, path.rpartition("\\")[2], signer)


MODULES = {
    m.original_name.lower(): m
    for m in (
        windows_file("ntdll.dll", "NT Layer DLL"),
        windows_file("kernel32.dll", "Windows NT BASE API Client DLL"),
        windows_file("KernelBase.dll", "Windows NT BASE API Client DLL"),
        windows_file("ucrtbase.dll", "Microsoft® C Runtime Library"),
        windows_file("user32.dll", "Multi-User Windows USER API Client DLL"),
        windows_file("combase.dll", "Microsoft COM for Windows"),
        windows_file("ws2_32.dll", "Windows Socket 2.0 32-Bit DLL"),
        windows_file("sspicli.dll", "Security Support Provider Interface"),
        windows_file("secur32.dll", "Security Support Provider Interface"),
        windows_file("bcryptprimitives.dll", "Windows Cryptographic Primitives Library"),
        windows_file("winhttp.dll", "Windows HTTP Services"),
        windows_file("wininet.dll", "Internet Extensions for Win32"),
        windows_file(
            "clr.dll",
            "Microsoft .NET Runtime Common Language Runtime",
            directory="C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\",
        ),
        windows_file("crypt32.dll", "Crypto API32"),
        windows_file("bcrypt.dll", "Windows Cryptographic Primitives Library"),
        windows_file("ncrypt.dll", "Windows NCrypt Router"),
        windows_file("cryptsp.dll", "Cryptographic Service Provider API"),
        windows_file("rsaenh.dll", "Microsoft Enhanced Cryptographic Provider"),
        windows_file("schannel.dll", "TLS / SSL Security Provider"),
        windows_file("ncryptsslp.dll", "Microsoft SChannel Provider"),
        windows_file("mskeyprotect.dll", "Microsoft Key Protection Provider"),
    )
}
BASE = (
    "ntdll.dll",
    "kernel32.dll",
    "kernelbase.dll",
    "ucrtbase.dll",
    "user32.dll",
    "combase.dll",
    "bcryptprimitives.dll",
    "sspicli.dll",
)

SCHANNEL = {
    "ws2_32.dll": -0.120,
    "secur32.dll": -0.030,
    "schannel.dll": 0.031,
    "mskeyprotect.dll": 0.038,
    "ncrypt.dll": 0.041,
    "ncryptsslp.dll": 0.046,
    "crypt32.dll": 0.113,
    "bcrypt.dll": 0.117,
    "cryptsp.dll": 0.180,
    "rsaenh.dll": 0.192,
}
"""Seconds after the first SYN: Windows loads its TLS stack while the first handshake runs."""
CONTEXT = {"ws2_32.dll": -2.1, "crypt32.dll": -1.9, "bcrypt.dll": -1.9, "cryptsp.dll": -1.7, "rsaenh.dll": -1.7}
"""A program with a stack of its own inside (Chromium, Go): only general crypto shows."""


@dataclass(eq=False)
class Program:
    """One process to be: the file, who runs it, who started it, and what it loads around its first connection."""

    file: File
    command_line: str = ""
    parent: "Program | None" = None
    user: str = "CORP\\anna.weber"
    integrity: str = "Medium"
    modules: dict[str, float] = field(default_factory=lambda: dict(SCHANNEL))
    age: float = 6.0
    """Seconds from start to first connection."""
    created: bool = True
    """Whether the log holds its creation; long-running processes were there before."""
    ends: float | None = None
    """Seconds from its last connection to its end."""
    pid: int | None = None
    foreign: File | None = None
    """A TLS library the program brings along."""

    @property
    def image(self) -> str:
        return self.file.path


def _with(more: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return defaults | more


def svchost(service: str, group: str = "netsvcs", **more: Any) -> Program:
    return Program(
        windows_file("svchost.exe", "Host Process for Windows Services", "Microsoft Windows Publisher"),
        f"{SYSTEM32}svchost.exe -k {group} -p -s {service}",
        parent=services(),
        user="NT AUTHORITY\\SYSTEM",
        integrity="System",
        **more,
    )


def services() -> Program:
    return Program(
        windows_file("services.exe", "Services and Controller app", "Microsoft Windows Publisher"),
        f"{SYSTEM32}services.exe",
        user="NT AUTHORITY\\SYSTEM",
        integrity="System",
        created=False,
        age=40_000,
        pid=708,
    )


def explorer(**more: Any) -> Program:
    return Program(
        windows_file("explorer.exe", "Windows Explorer", directory="C:\\Windows\\"),
        "C:\\Windows\\Explorer.EXE",
        **_with(more, created=False, age=30_000.0, pid=5024),
    )


def chrome(parent: Program | None = None, **more: Any) -> Program:
    path = "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"
    return Program(
        vendor_file(path, "Google LLC", "Google Chrome", "142.0.7444.60", "Google LLC"),
        f'"{path}" --profile-directory=Default',
        parent=parent or explorer(),
        **_with(more, modules=dict(CONTEXT)),
    )


def edge(**more: Any) -> Program:
    path = "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"
    return Program(
        vendor_file(path, "Microsoft Corporation", "Microsoft Edge", "142.0.3595.53", "Microsoft Corporation"),
        f'"{path}" --no-startup-window',
        **_with(more, modules=dict(CONTEXT), parent=explorer()),
    )


def onedrive(user: str = "anna.weber", **more: Any) -> Program:
    path = f"C:\\Users\\{user}\\AppData\\Local\\Microsoft\\OneDrive\\OneDrive.exe"
    return Program(
        vendor_file(path, "Microsoft Corporation", "Microsoft OneDrive", "25.199.1012.0002", "Microsoft Corporation"),
        f'"{path}" /background',
        **_with(more, user=f"CORP\\{user}", parent=explorer()),
    )


def powershell(command: str, **more: Any) -> Program:
    return Program(
        windows_file("powershell.exe", "Windows PowerShell", directory=f"{SYSTEM32}WindowsPowerShell\\v1.0\\"),
        f"powershell.exe {command}",
        **_with(more, modules={"clr.dll": -1.2, **SCHANNEL}, parent=explorer()),
    )


def unsigned(path: str, arguments: str = "", **more: Any) -> Program:
    """A program nobody signed, without a version resource, that uses Windows' own TLS."""
    return Program(File(path), f'"{path}"{arguments}', **_with(more, parent=explorer()))
