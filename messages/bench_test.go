package messages_test

import (
	"testing"

	"achteraf/messages"
)

// BenchmarkWrite writes an invoice.
func BenchmarkWrite(b *testing.B) {
	write := messages.Writer()
	for b.Loop() {
		if err := write(); err != nil {
			b.Fatal(err)
		}
	}
}
