package orders

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
)

// References hands out payment references: what the buyer types and the bank returns. Both forms, the RF
// creditor reference (ISO 11649) and the Belgian structured message, carry one number of ten digits that
// is unique on the platform. A process leases numbers in blocks, and jumps between them by chance, so that
// nobody counts a shop's orders by its references. Numbers of an order that was refused, and the rest of a
// block when the process ends, are never used.
type References struct {
	db     *db.DB
	random io.Reader

	mu   sync.Mutex
	next int64
	end  int64
}

const (
	firstReference = 1_000_000_000
	lastReference  = 9_999_999_999
	referenceBlock = 1 << 16
	referenceJump  = 32 // the next number is 1 to 32 further
)

// NewReferences makes References on a database.
func NewReferences(d *db.DB, random io.Reader) *References {
	return &References{db: d, random: random}
}

// Take returns a number that nobody else gets. It may write a lease, so never call it inside a transaction.
// Error: Unavailable "references-used-up" after some 500 million orders.
func (r *References) Take(ctx context.Context) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next >= r.end {
		if err := r.lease(ctx); err != nil {
			return 0, err
		}
	}
	n := r.next
	var b [2]byte
	if _, err := io.ReadFull(r.random, b[:]); err != nil {
		return 0, err
	}
	r.next += 1 + int64(binary.LittleEndian.Uint16(b[:])%referenceJump)
	return n, nil
}

func (r *References) lease(ctx context.Context) error {
	var from int64
	err := r.db.Write(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(ctx, `
insert into payment_references (kind, next) values ('number', $1)
    on conflict (kind) do update set next = payment_references.next + $2
 returning next`, []any{firstReference + referenceBlock, referenceBlock}, &from)
		if err == nil && from > lastReference {
			return fault.New(fault.Unavailable, "references-used-up", "There are no payment references left.")
		}
		return err
	})
	if err != nil {
		return err
	}
	r.next, r.end = from-referenceBlock, from
	return nil
}

// numberOf returns the number that a reference of ours carries. Orders are found by it: behind the check digits
// of RF each next order would land elsewhere in the index.
func numberOf(reference string) (int64, bool) {
	digits := strings.TrimPrefix(reference, "RF")
	switch {
	case len(digits) == 12 && len(reference) == 14: // RF, two check digits, the number
		digits = digits[2:]
	case len(reference) == 12: // the number, two check digits
		digits = digits[:10]
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= firstReference
}

// Reference writes a number as the debtor's country expects it.
func Reference(country string, number int64) (string, error) {
	if number < firstReference || number > lastReference {
		return "", errors.New("a payment reference has ten digits")
	}
	if country == "BE" {
		return ident.OGM(number), nil
	}
	return ident.RF(fmt.Sprint(number))
}
