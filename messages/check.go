package messages

import (
	"context"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/vault"
)

// checkKind is the kind of handle under which the code of a message is found again.
const checkKind = "mail-check"

// checkLetters has no two that look alike. A code is one of 2^40, and nobody can make one for a message of their own.
const checkLetters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

const checkSize = 8

// checkCode is the code of a message, by which anybody can ask whether it is ours.
func checkCode(v *vault.Vault, message string) string {
	raw := v.Link([]byte("mail check 1" + message))
	code := make([]byte, checkSize)
	for i := range code {
		code[i] = checkLetters[raw[i]&31]
	}
	return string(code)
}

// printCheck writes a code so that it can be read out and typed.
func printCheck(code string) string { return code[:checkSize/2] + "-" + code[checkSize/2:] }

// Known is a message that we sent. It does not say to whom.
type Known struct {
	Code string           // of the message, such as InvoiceIssued
	At   calendar.Instant // when it was made, business time
}

// Check finds the message of a code that somebody read in a mail. It is false when we sent none with that code.
func (p *Post) Check(ctx context.Context, tx *db.Tx, typed string) (k Known, ok bool, err error) {
	code := cleanCheck(typed)
	if len(code) != checkSize {
		return k, false, nil
	}
	for _, h := range p.c.Vault.Handles(checkKind, code) {
		err := tx.Each(ctx, `select code, made_at from messages where check_hash = $1 and state <> 'failed' order by id`, []any{h.Hash}, func(r db.Row) error {
			ok = true
			return r.Scan(&k.Code, &k.At)
		})
		if err != nil || ok {
			return k, ok, err
		}
	}
	return k, false, nil
}

// cleanCheck drops what people type between the letters of a code.
func cleanCheck(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(checkLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(s[:min(len(s), 64)]))
}
