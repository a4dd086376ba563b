package camt

import (
	"strings"

	"achteraf/internal/ident"
)

// transaction reads one TxDtls.
func (r *Reader) transaction() transaction {
	t := transaction{line: r.entry.line, credit: r.entry.credit}
	var debtor, creditor party
	l := &t.line
	for r.child() {
		switch string(r.xml.name) {
		case "Refs":
			r.refs(l)
		case "Amt":
			t.cents, t.currency = r.amount()
			t.amount = true
		case "CdtDbtInd":
			t.credit = r.direction()
		case "AmtDtls":
			r.amountDetails(&t)
		case "BkTxCd":
			r.bankCode(l)
		case "RltdPties":
			r.parties(&debtor, &creditor)
		case "RltdAgts":
			r.agents(&debtor, &creditor)
		case "RmtInf":
			r.remittance(l)
		case "RtrInf":
			for r.child() {
				if string(r.xml.name) == "Rsn" {
					l.ReturnReason = r.code()
				} else {
					r.xml.skip()
				}
			}
		case "AddtlTxInf":
			l.Info = r.string()
		default:
			r.xml.skip()
		}
	}
	other := &debtor
	if !t.credit {
		other = &creditor
	}
	if other.iban == r.stmt.IBAN { // of a return some banks name the parties of what is returned
		other = &debtor
		if t.credit {
			other = &creditor
		}
	}
	l.PartyName, l.PartyIBAN, l.PartyBIC = other.name, other.iban, other.bic
	if l.PartyName == "" {
		l.PartyName = other.ultimate
	}
	return t
}

func (r *Reader) refs(l *Line) {
	for r.child() {
		switch string(r.xml.name) {
		case "MsgId":
			l.MessageID = r.string()
		case "PmtInfId":
			l.PaymentID = r.string()
		case "AcctSvcrRef":
			if ref := r.string(); l.Ref == "" {
				l.Ref = ref
			}
		case "EndToEndId":
			if l.EndToEndID = r.string(); l.EndToEndID == "NOTPROVIDED" {
				l.EndToEndID = ""
			}
		default:
			r.xml.skip()
		}
	}
}

// amountDetails reads the amount of a transaction in version 02; in version 08 it need not say more than Amt.
func (r *Reader) amountDetails(t *transaction) {
	own := t.amount
	for r.child() {
		kind := string(r.xml.name)
		if own || kind != "TxAmt" && (kind != "InstdAmt" || t.amount) {
			r.xml.skip()
			continue
		}
		for r.child() {
			if string(r.xml.name) == "Amt" {
				t.cents, t.currency = r.amount()
				t.amount = true
			} else {
				r.xml.skip()
			}
		}
	}
}

func (r *Reader) bankCode(l *Line) {
	for r.child() {
		if string(r.xml.name) != "Domn" {
			r.xml.skip()
			continue
		}
		for r.child() {
			switch string(r.xml.name) {
			case "Cd":
				l.Domain = r.word(r.value())
			case "Fmly":
				for r.child() {
					switch string(r.xml.name) {
					case "Cd":
						l.Family = r.word(r.value())
					case "SubFmlyCd":
						l.SubFamily = r.word(r.value())
					default:
						r.xml.skip()
					}
				}
			default:
				r.xml.skip()
			}
		}
	}
}

// batch reads what a bank says of several payments booked at once.
func (r *Reader) batch() {
	for r.child() {
		switch string(r.xml.name) {
		case "MsgId":
			r.entry.line.MessageID = r.string()
		case "PmtInfId":
			r.entry.line.PaymentID = r.string()
		case "NbOfTxs":
			r.entry.counted += int(r.number())
		default:
			r.xml.skip()
		}
	}
}

// party is one side of a transaction.
type party struct{ name, ultimate, iban, bic string }

func (r *Reader) parties(debtor, creditor *party) {
	for r.child() {
		switch string(r.xml.name) {
		case "Dbtr":
			debtor.name = r.partyName()
		case "UltmtDbtr":
			debtor.ultimate = r.partyName()
		case "DbtrAcct":
			debtor.iban = r.partyIBAN()
		case "Cdtr":
			creditor.name = r.partyName()
		case "UltmtCdtr":
			creditor.ultimate = r.partyName()
		case "CdtrAcct":
			creditor.iban = r.partyIBAN()
		default:
			r.xml.skip()
		}
	}
}

// partyName reads Nm, which version 08 wraps in Pty.
func (r *Reader) partyName() (name string) {
	for r.child() {
		switch string(r.xml.name) {
		case "Nm":
			name = r.string()
		case "Pty":
			name = r.partyName()
		default:
			r.xml.skip()
		}
	}
	return name
}

func (r *Reader) partyIBAN() (iban string) {
	for r.child() {
		if string(r.xml.name) == "Id" {
			iban, _ = ident.IBAN(r.accountID())
		} else {
			r.xml.skip()
		}
	}
	return iban
}

func (r *Reader) agents(debtor, creditor *party) {
	for r.child() {
		switch string(r.xml.name) {
		case "DbtrAgt":
			debtor.bic = r.bic()
		case "CdtrAgt":
			creditor.bic = r.bic()
		default:
			r.xml.skip()
		}
	}
}

// bic reads FinInstnId/BIC of version 02 or FinInstnId/BICFI of version 08.
func (r *Reader) bic() (bic string) {
	for r.child() {
		switch string(r.xml.name) {
		case "FinInstnId":
			bic = r.bic()
		case "BIC", "BICFI":
			bic = r.word(r.value())
		default:
			r.xml.skip()
		}
	}
	return bic
}

// remittance reads RmtInf. The unstructured pieces are one text, cut by the bank where it liked.
func (r *Reader) remittance(l *Line) {
	r.text = r.text[:0]
	var further []string
	for r.child() {
		switch string(r.xml.name) {
		case "Ustrd":
			r.text = append(r.text, r.xml.leaf()...)
			if len(r.text) > maxToken {
				r.xml.tooLarge("a remittance")
			}
		case "Strd":
			further = r.structured(l, further)
			if len(further) > 1000 {
				r.xml.tooLarge("a remittance")
			}
		default:
			r.xml.skip()
		}
	}
	l.Text = strings.TrimSpace(string(r.text))
	if len(further) > 0 {
		l.Text = strings.TrimSpace(l.Text + " " + strings.Join(further, " "))
	}
}

// structured reads one Strd. The first creditor reference is the line's; whatever else names a document goes
// to further.
func (r *Reader) structured(l *Line, further []string) []string {
	for r.child() {
		switch string(r.xml.name) {
		case "CdtrRefInf":
			if ref, issuer := r.creditorReference(); l.StructuredRef == "" {
				l.StructuredRef, l.StructuredIssuer = ref, issuer
			} else if ref != "" {
				further = append(further, ref)
			}
		case "RfrdDocInf":
			for r.child() {
				if string(r.xml.name) == "Nb" {
					further = append(further, r.string())
				} else {
					r.xml.skip()
				}
			}
		case "AddtlRmtInf":
			further = append(further, r.string())
		default:
			r.xml.skip()
		}
	}
	return further
}

func (r *Reader) creditorReference() (ref, issuer string) {
	for r.child() {
		switch string(r.xml.name) {
		case "Ref":
			ref = r.string()
		case "Tp":
			for r.child() {
				if string(r.xml.name) == "Issr" {
					issuer = r.word(r.value())
				} else {
					r.xml.skip()
				}
			}
		default:
			r.xml.skip()
		}
	}
	return ref, issuer
}
