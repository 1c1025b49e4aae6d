/** A self-signed certificate and its key for servers of tests. Anybody can read the key: it protects nothing. */
export const TEST_CERTIFICATE: { readonly key: string; readonly cert: string } = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgech2VxSNPguikeqI
TDGqC1Khyeyb0vCMqswJT2CsA3KhRANCAAQtu/IfogciC11ZtgYWqIesiMqPKGF1
vDh/2aH5ktXwitnkpsbZX+3pl1nCFWxqtR49OMx5ssevIviO0+IPMpms
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIURtt9jWdyPqYTP/0D+yZmjyERU6EwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLcGNsb3VkLXRlc3QwIBcNMjYxMTI1MDUxMTI0WhgPMjEyNjEx
MDEwNTExMjRaMBYxFDASBgNVBAMMC3BjbG91ZC10ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAELbvyH6IHIgtdWbYGFqiHrIjKjyhhdbw4f9mh+ZLV8IrZ5KbG
2V/t6ZdZwhVsarUePTjMebLHryL4jtPiDzKZrKNTMFEwHQYDVR0OBBYEFA8JG2rL
49L1iqfDNmVcIxwdzUCzMB8GA1UdIwQYMBaAFA8JG2rL49L1iqfDNmVcIxwdzUCz
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgBF2mpFgWNfrtbWEh
bwZXFDvL5Z/HJDg78q7/bkqd3bICIQDHG8ZTIi7HKBrZLVI8uJVIhRyD4pxT1a49
Xr1JXZdA5w==
-----END CERTIFICATE-----
`,
};
