package messages_test

import (
	"testing"

	"achteraf/messages"
)

// BenchmarkWrite writes an invoice, which happens in the transaction that stores it.
func BenchmarkWrite(b *testing.B) {
	write := messages.Writer()
	for b.Loop() {
		if err := write(); err != nil {
			b.Fatal(err)
		}
	}
}
