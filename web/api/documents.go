package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
)

const (
	mediaPDF = "application/pdf"
	mediaXML = "application/xml"
)

// pdfURL is where a document is to be had, once it has a number.
func pdfURL(kind, id, number string) *string {
	if number == "" {
		return nil
	}
	url := "/v1/" + kind + "/" + id + "/pdf"
	return &url
}

// form is how a document is handed out as a file.
type form struct {
	kind, ending string
	render       func(*invoices.Paper) ([]byte, error)
}

func asPDF() form  { return form{mediaPDF, "pdf", (*invoices.Paper).PDF} }
func asData() form { return form{mediaXML, "xml", (*invoices.Paper).Data} }

// getInvoicePDF serves GET /v1/invoices/{id}/pdf.
func (a *API) getInvoicePDF(c *call) (reply, error) { return a.invoiceFile(c, asPDF()) }

// getInvoiceData serves GET /v1/invoices/{id}/data.
func (a *API) getInvoiceData(c *call) (reply, error) { return a.invoiceFile(c, asData()) }

// getCreditPDF serves GET /v1/credits/{id}/pdf.
func (a *API) getCreditPDF(c *call) (reply, error) { return a.creditFile(c, asPDF()) }

// getCreditData serves GET /v1/credits/{id}/data.
func (a *API) getCreditData(c *call) (reply, error) { return a.creditFile(c, asData()) }

// invoiceFile hands an invoice out. A preview is no file: nobody shall take it for an invoice.
func (a *API) invoiceFile(c *call, f form) (reply, error) {
	missing := fault.Missing("invoice", "There is no such invoice that was issued.")
	return a.file(c, f, "inv_", missing, func(tx *db.Tx) (*invoices.Paper, error) {
		p, err := a.Clerk.Invoice(c.ctx, tx, c.who.Merchant, c.id)
		if err == nil && p.Number() == "" {
			err = missing
		}
		return p, err
	})
}

func (a *API) creditFile(c *call, f form) (reply, error) {
	missing := fault.Missing("credit-note", "There is no such credit note.")
	return a.file(c, f, "cre_", missing, func(tx *db.Tx) (*invoices.Paper, error) {
		return a.Clerk.CreditNote(c.ctx, tx, c.who.Merchant, c.id)
	})
}

// file answers with a file. It may be kept by who asked and by nobody between: the key decides who sees it.
func (a *API) file(c *call, f form, prefix string, missing error, read func(*db.Tx) (*invoices.Paper, error)) (reply, error) {
	var name string
	file, err := a.Clerk.HandOut(c.ctx, a.DB, func(tx *db.Tx) (*invoices.Paper, error) {
		if err := a.check(c, tx); err != nil {
			return nil, err
		}
		if !isID(prefix, c.id) {
			return nil, missing
		}
		p, err := read(tx)
		if err == nil {
			name = strings.TrimSuffix(p.FileName(), ".pdf")
		}
		return p, err
	}, f.render)
	if err != nil {
		return reply{}, err
	}
	sum := sha256.Sum256(file)
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	h := c.w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", tag)
	h.Set("Content-Disposition", `inline; filename="`+name+`.`+f.ending+`"`)
	if known(c.r.Header.Get("If-None-Match"), tag) {
		return reply{status: http.StatusNotModified, kind: f.kind}, nil
	}
	return reply{status: http.StatusOK, kind: f.kind, body: file}, nil
}

// known says whether If-None-Match names a tag (RFC 9110, 13.1.2: weakly compared).
func known(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
