package access

// Token writes a key's text with a right checksum.
func Token(mode, id, secret string) string {
	return "sk_" + mode + "_" + id + "_" + secret + checksum(mode, id, secret)
}
