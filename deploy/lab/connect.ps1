# A script host that speaks TLS with a server whose certificate it does not check.
$client = New-Object Net.Sockets.TcpClient('192.168.56.20', 8443)
$check = [Net.Security.RemoteCertificateValidationCallback] { $true }
$stream = New-Object Net.Security.SslStream($client.GetStream(), $false, $check)
$stream.AuthenticateAsClient('update.lab.example')
Start-Sleep -Seconds 2
$client.Close()
