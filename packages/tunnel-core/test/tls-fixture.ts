/** A self-signed certificate for `relay.example.test`, made for these tests and used nowhere else. Valid until 2126. */
export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBsDCCAVagAwIBAgIUCvm9dAWGDs8pVrnU7aIoTzoPjIwwCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwScmVsYXkuZXhhbXBsZS50ZXN0MCAXDTI2MTEyMzIyMzk1NloY
DzIxMjYxMDMwMjIzOTU2WjAdMRswGQYDVQQDDBJyZWxheS5leGFtcGxlLnRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQRsQ3r9LUcl1SaHBQbbxXYghjUGWw5
m6kp8OcNl1VCjG11VKfvyj09WSL+mVn7vWq4yezsUzmDw0NczAJ5f5tJo3IwcDAd
BgNVHQ4EFgQUspkeENpYNESblKMrj1g56geogdcwHwYDVR0jBBgwFoAUspkeENpY
NESblKMrj1g56geogdcwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHREEFjAUghJyZWxh
eS5leGFtcGxlLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIgTSWjvqjr1MpC5fCZ7MGJ
wTSCF+qxsXrrotddLKTJ7+YCIQCdCa903Az6uezabjBwB/upJrpsRSaObv8Oai9O
R02mmQ==
-----END CERTIFICATE-----`;
export const testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7lHTETlEa3PrxPZh
QujVVWRlcXteotSfwIk4JLkY6V6hRANCAAQRsQ3r9LUcl1SaHBQbbxXYghjUGWw5
m6kp8OcNl1VCjG11VKfvyj09WSL+mVn7vWq4yezsUzmDw0NczAJ5f5tJ
-----END PRIVATE KEY-----`;
