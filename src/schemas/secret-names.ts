/** Names under which people send secrets. */
export const secretName = /passw|passphrase|pwd|secret|token|credential|private_?key|api_?key|access_?key/i;
