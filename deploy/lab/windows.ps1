# The Windows host: Sysmon, and Winlogbeat to the sensor's Redis. Takes REDIS_PASSWORD from the environment.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$version = '8.17.0'
$lab = 'C:\lab'

Invoke-WebRequest 'https://download.sysinternals.com/files/Sysmon.zip' -OutFile "$lab\sysmon.zip" -UseBasicParsing
Expand-Archive "$lab\sysmon.zip" "$lab\sysmon" -Force
if ((Get-AuthenticodeSignature "$lab\sysmon\Sysmon64.exe").Status -ne 'Valid') { throw 'Sysmon is not signed' }
if (Get-Service Sysmon64 -ErrorAction SilentlyContinue) {
    & "$lab\sysmon\Sysmon64.exe" -c "$lab\sysmon.xml"
} else {
    & "$lab\sysmon\Sysmon64.exe" -accepteula -i "$lab\sysmon.xml"
}

$name = "winlogbeat-$version-windows-x86_64"
$url = "https://artifacts.elastic.co/downloads/beats/winlogbeat/$name.zip"
Invoke-WebRequest $url -OutFile "$lab\winlogbeat.zip" -UseBasicParsing
Invoke-WebRequest "$url.sha512" -OutFile "$lab\winlogbeat.sha512" -UseBasicParsing
$expected = (Get-Content "$lab\winlogbeat.sha512").Split(' ')[0]
if ((Get-FileHash "$lab\winlogbeat.zip" -Algorithm SHA512).Hash -ne $expected) { throw 'Winlogbeat is damaged' }
Expand-Archive "$lab\winlogbeat.zip" "$lab" -Force

Set-Location "$lab\$name"
Copy-Item "$lab\winlogbeat.yml" winlogbeat.yml -Force
# The service's own folder of data, or it does not find the keystore.
$data = '--path.data', 'C:\ProgramData\winlogbeat'
& .\winlogbeat.exe keystore create --force @data
$env:REDIS_PASSWORD | & .\winlogbeat.exe keystore add REDIS_PASSWORD --stdin --force @data
.\install-service-winlogbeat.ps1
Restart-Service winlogbeat
