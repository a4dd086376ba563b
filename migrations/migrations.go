// Package migrations carries the tables of the platform: one template per change, rendered for both
// engines by internal/db. It owns no rule; who writes a table is listed in docs/tables.md.
package migrations

import "embed"

//go:embed *.sql
var Files embed.FS
