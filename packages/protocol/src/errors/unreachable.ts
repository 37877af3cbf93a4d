const certificate = /CERT|SIGNATURE|SELF_SIGNED|ISSUER|ALTNAME/;

/**
 * The next step for an engine that could not be reached, from the system's own code (Node's or OpenSSL's name). Undefined when
 * that code says no more than that nobody answered.
 */
export function nextWhenUnreachable(code: string | undefined, tls: boolean): string | undefined {
  if (code === undefined) return undefined;
  if (certificate.test(code)) return 'Check the host name, and name the authority that signed the certificate in the CA file setting.';
  // A TLS port drops a plain request; a plain port answers a TLS greeting with something that is not TLS.
  if (!tls && /^(ECONNRESET|HPE_INVALID_)/.test(code)) return 'If the engine uses TLS, write its address as https://HOST:PORT.';
  if (tls && /^(EPROTO|ERR_SSL_)/.test(code)) return 'If the engine does not use TLS, write its address as http://HOST:PORT.';
  return undefined;
}
