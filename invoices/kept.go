package invoices

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// form is the number of the way in which documents are made now: of document.html, words.toml, pdf.go and
// what stands between them and the facts. Whoever changes how a document looks, after a release, adds one with
// the next number and leaves the old one in place for the documents that were made with it.
const form = 1

// Kinds of documents.
const (
	kindInvoice = "invoice"
	kindCredit  = "credit"
)

var newDocuments = db.NewTable("documents", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "kind", Type: db.Text},
	db.Col{Name: "person_id", Type: db.Text}, db.Col{Name: "language", Type: db.Text}, db.Col{Name: "template", Type: db.Bigint},
	db.Col{Name: "facts", Type: db.Bytes}, db.Col{Name: "made_at", Type: db.Instant})

// factsPlace names the sealed facts of a document.
func factsPlace(id string) vault.Place {
	return vault.Place{Table: "documents", Column: "facts", Row: id}
}

// invoicePapers makes the rows that fix what invoices say. It needs no transaction.
func (c *Clerk) invoicePapers(keys []Key, g *gathered) ([][]any, error) {
	rows := make([][]any, len(keys))
	for i, k := range keys {
		f, b, err := g.open(c.desk, i)
		if err == nil {
			rows[i], err = documentRow(k.ID, k.Merchant, kindInvoice, f, b)
		}
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// keepCredit fixes what a credit note says, of which held was paid before.
func (c *Clerk) keepCredit(ctx context.Context, tx *db.Tx, v *Invoice, note Credit, held int64) error {
	bills, err := c.gather(ctx, tx, []*Invoice{v})
	if err != nil {
		return err
	}
	g, err := c.gatherFacts(ctx, tx, bills)
	if err != nil {
		return err
	}
	f, buyer, err := g.open(c.desk, 0)
	if err != nil {
		return err
	}
	n := factsOf(note)
	f.Note, f.Paid, f.PayURL = &n, held, ""
	row, err := documentRow(note.ID, note.Merchant, kindCredit, f, buyer)
	if err != nil {
		return err
	}
	return tx.Put(ctx, newDocuments, [][]any{row})
}

func documentRow(id, merchant, kind string, f *facts, b *buyers.Billed) ([]any, error) {
	plain, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	sealed, err := b.Seal(factsPlace(id), plain)
	if err != nil {
		return nil, err
	}
	return []any{id, merchant, kind, b.Person, f.Language, form, []byte(sealed), f.MadeAt}, nil
}

// Paper is a document at hand: its facts as they were fixed, or of a planned invoice as they are now. It needs no
// transaction to be rendered.
type Paper struct {
	id, merchant string // "" of a preview
	facts        facts
	kept, made   hashes
}

// hashes are those of the forms of one document; nil where that form was never handed out. Of a PDF it is that of the
// drawing: the bytes of a file also depend on Go's compressor, which may change with a version of Go.
type hashes struct{ html, pdf []byte }

// Invoice reads an invoice's document. Of an issued invoice it shows what was fixed at issue, whatever came later;
// a planned one is a preview without a number. Errors: NotFound "invoice", NotFound "document-erased".
func (c *Clerk) Invoice(ctx context.Context, tx *db.Tx, merchant, id string) (*Paper, error) {
	v, err := One(ctx, tx, merchant, id)
	if err != nil {
		return nil, err
	}
	if v.Number != "" {
		return c.read(ctx, tx, merchant, id)
	}
	bills, err := c.gather(ctx, tx, []*Invoice{&v})
	if err != nil {
		return nil, err
	}
	bills[0].applied = min(v.HeldCents, v.OpenCents)
	g, err := c.gatherFacts(ctx, tx, bills)
	if err != nil {
		return nil, err
	}
	f, _, err := g.open(c.desk, 0)
	if err != nil {
		return nil, err
	}
	return &Paper{facts: *f}, nil
}

// CreditNote reads a credit note's document. Errors: NotFound "credit-note", also for a credit made before its
// invoice was issued, which shows on the invoice; NotFound "document-erased".
func (c *Clerk) CreditNote(ctx context.Context, tx *db.Tx, merchant, id string) (*Paper, error) {
	var found int64
	err := tx.QueryRow(ctx, `select count(*) from credits where id = $1 and merchant_id = $2 and number is not null`, []any{id, merchant}, &found)
	if err == nil && found == 0 {
		err = fault.Missing("credit-note", "There is no such credit note.")
	}
	if err != nil {
		return nil, err
	}
	return c.read(ctx, tx, merchant, id)
}

// read opens a document that was kept.
func (c *Clerk) read(ctx context.Context, tx *db.Tx, merchant, id string) (*Paper, error) {
	p := &Paper{id: id, merchant: merchant}
	var person string
	var madeIn int64
	var sealed vault.Sealed
	err := tx.QueryRow(ctx, `select person_id, template, facts, html_hash, pdf_hash from documents where id = $1 and merchant_id = $2`,
		[]any{id, merchant}, &person, &madeIn, &sealed, &p.kept.html, &p.kept.pdf)
	if err != nil {
		return nil, fmt.Errorf("document %s: %w", id, err)
	}
	if madeIn != form {
		return nil, fmt.Errorf("document %s: this program cannot make form %d", id, madeIn)
	}
	plain, err := c.desk.OpenFiscal(ctx, tx, person, factsPlace(id), sealed)
	if errors.Is(err, vault.ErrDestroyed) {
		return nil, fault.Missing("document-erased", "The years for which this document was kept are over.")
	}
	if err != nil {
		return nil, fmt.Errorf("document %s: %w", id, err)
	}
	return p, json.Unmarshal(plain, &p.facts)
}

// HTML renders the document as a page. Once a page was kept it is the same, byte for byte, or an error.
func (p *Paper) HTML() ([]byte, error) {
	page, err := draftOf(&p.facts).render()
	if err != nil {
		return nil, err
	}
	return page, p.same(sha256.Sum256(page), p.kept.html, &p.made.html)
}

// PDF renders the document as a file of A4 pages. Once a file was handed out what it shows is the same, or an error;
// one version of the program also gives the same bytes.
func (p *Paper) PDF() ([]byte, error) {
	d := draftOf(&p.facts)
	s, err := d.draw()
	if err != nil {
		return nil, err
	}
	about := d.about()
	if err := p.same(s.sum(about), p.kept.pdf, &p.made.pdf); err != nil {
		return nil, err
	}
	return s.paint(about)
}

// same holds a rendering to the hash of an earlier one.
func (p *Paper) same(sum [sha256.Size]byte, kept []byte, made *[]byte) error {
	if kept != nil && !bytes.Equal(kept, sum[:]) {
		return fmt.Errorf("document %s is no longer what was handed out", p.id)
	}
	*made = sum[:]
	return nil
}

// Fresh says whether a form was made that has no hash in the database yet.
func (p *Paper) Fresh() bool {
	return p.id != "" && (p.made.html != nil && p.kept.html == nil || p.made.pdf != nil && p.kept.pdf == nil)
}

// Handed keeps the hashes of the forms that are handed out, so that no later program can hand out others. Do it
// before anybody sees them. Error: Conflict "document-changed" when another program handed out another form.
func (c *Clerk) Handed(ctx context.Context, tx *db.Tx, p *Paper) error {
	if p.id == "" {
		return nil // a preview binds nobody
	}
	for _, form := range []struct {
		sql  string
		hash []byte
	}{
		{`update documents set html_hash = $3 where id = $1 and merchant_id = $2 and (html_hash is null or html_hash = $3)`, p.made.html},
		{`update documents set pdf_hash = $3 where id = $1 and merchant_id = $2 and (pdf_hash is null or pdf_hash = $3)`, p.made.pdf},
	} {
		if form.hash == nil {
			continue
		}
		n, err := tx.Exec(ctx, form.sql, p.id, p.merchant, form.hash)
		if err := db.One(n, err, "document-changed", "The document was handed out in another form."); err != nil {
			return err
		}
	}
	return nil
}

// HandOut reads a document and renders it for somebody to see: the work is done outside of a transaction, and the
// hash is kept before anybody has the bytes. Errors: those of read, of the form, and of Handed.
func (c *Clerk) HandOut(ctx context.Context, d *db.DB, read func(*db.Tx) (*Paper, error), form func(*Paper) ([]byte, error)) ([]byte, error) {
	var p *Paper
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		p, err = read(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	out, err := form(p)
	if err == nil && p.Fresh() {
		err = d.Write(ctx, func(tx *db.Tx) error { return c.Handed(ctx, tx, p) })
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Number is that of the invoice or credit note; "" of a preview.
func (p *Paper) Number() string {
	if p.facts.Note != nil {
		return p.facts.Note.Number
	}
	return p.facts.Invoice.Number
}

// Document renders an invoice as a page of HTML in the language of its order. Errors: those of Invoice.
func (c *Clerk) Document(ctx context.Context, tx *db.Tx, merchant, id string) ([]byte, error) {
	p, err := c.Invoice(ctx, tx, merchant, id)
	if err != nil {
		return nil, err
	}
	return p.HTML()
}

// CreditDocument renders a credit note as a page of HTML. Errors: those of CreditNote.
func (c *Clerk) CreditDocument(ctx context.Context, tx *db.Tx, merchant, id string) ([]byte, error) {
	p, err := c.CreditNote(ctx, tx, merchant, id)
	if err != nil {
		return nil, err
	}
	return p.HTML()
}
