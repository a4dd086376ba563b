package main

import (
	"strings"
	"testing"
)

// TestPublicAddress: pay links go to people and come back from banks, so serve takes an address over TLS only.
func TestPublicAddress(t *testing.T) {
	for address, right := range map[string]bool{
		"": true, "https://achteraf.example": true, "https://achteraf.example/betalen": true,
		"http://achteraf.example": false, "https://achteraf.example/": false, "achteraf.example": false, "https://": false,
		"https://jo@achteraf.example": false, "https://achteraf.example?x=1": false, "https://achteraf.example#x": false,
	} {
		s := secrets{PublicURL: address}
		_, err := s.live(t.Context(), nil, "", false) // the keys and the operator are missing, so it never starts
		if err == nil || strings.Contains(err.Error(), "public_url") == right {
			t.Errorf("%q: %v", address, err)
		}
	}
}
