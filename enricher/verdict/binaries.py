"""Windows programs by what their name alone tells; file names in lower case without `.exe`."""

from typing import Final

from enricher.model.library import file_name


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RUNS_FOREIGN_CODE: Final = _words(
    "bitsadmin certutil cmd cmstp control cscript dllhost forfiles hh installutil mavinject msbuild mshta msiexec "
    "msxsl odbcconf pcalua powershell powershell_ise presentationhost pwsh regasm regsvcs regsvr32 rundll32 "
    "scriptrunner wmic wscript"
)
"""Signed by Microsoft, and run whatever they are given: script, library, package or COM class.

What they connect to is decided by that code, so their identity says nothing about it. msiexec is among them: it
executes the custom actions of any package, also one named by URL.
"""

STARTS_NO_PROGRAMS: Final = _words(
    "winword excel powerpnt outlook onenote msaccess mspub visio eqnedt32 wordpad "
    "acrord32 acrobat foxitreader sumatrapdf "
    "chrome msedge firefox iexplore opera brave thunderbird "
    "wscript cscript mshta wmiprvse w3wp sqlservr httpd nginx tomcat spoolsv"
)
"""Readers of documents, pages and mail, script hosts, servers: their children are often an exploit's or a macro's."""

SYSTEM: Final = _words(
    "backgroundtaskhost conhost csrss ctfmon dllhost dwm explorer fontdrvhost lsaiso lsass lsm regsvr32 rundll32 "
    "runtimebroker searchindexer services sihost smss spoolsv svchost taskhost taskhostw userinit werfault wermgr "
    "wininit winlogon wmiprvse"
)
"""Parts of Windows that live under its folder and nowhere else."""


def stem(path: str) -> str:
    """The file name at the end of a path, lower case, without extensions that differ between a file and its resource.

    Translated resources end in `.mui`; .NET programs carry the name of the `.dll` that they start.
    """
    return file_name(path).removesuffix(".mui").removesuffix(".exe").removesuffix(".dll")
