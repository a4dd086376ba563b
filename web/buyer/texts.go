package buyer

import (
	"strings"

	"achteraf/internal/words"
	"achteraf/merchants"
	"achteraf/web/page"
)

// texts are what these pages say.
type texts struct {
	SignIn, SignInLead, SignInNote, Email, EmailHelp, EmailWrong, Send  string
	SentTitle, SentText, NoMail, NoMailText, AskAgain                   string
	Code, CodeHelp, CodeWrong, Enter                                    string
	LinkTitle, LinkText, LinkElsewhere, LinkNote                        string
	BusyTitle, BusyText, UsedTitle, UsedText, ExpiredTitle, ExpiredText string
	DeadTitle, DeadText, UnknownTitle, UnknownText, SignOut             string

	Overview, ToPay, Later, LaterAside, DoneTitle                          string
	SeeAll                                                                 words.Text
	SearchFor, SearchHelp, Find, ShowAll                                   string
	NothingFound, NothingFoundText, NoOrders, NoOrdersText                 string
	HeldTitle, Help, Trouble, HelpText, WriteUs, CallUs                    string
	NothingNow, NothingOpen, PlannedNext, PausedNext, PausedUntil          string
	PaidNext, Choose, LastDay, DueToday, Pause, NothingToDo, AtEarliest    string
	IsPaid, IsCredited, IsCancelled, IsWrittenOff, BillComes               string
	HoldDelay, HoldReturn, HoldDispute, HoldFraud, HoldDebtHelp, HoldPaid  string
	HoldUndelivered, HoldMerchant, HoldOther                               string
	ToPayNow, Until, First, WasDue, WaitsForUs, PlannedWaits, PlannedUntil words.Text
	YouHave, DaysLeft, DaysLate, OnHoldOf, Pay, HeldText                   words.Text

	OrderOf, PaidOn, ToPayTo, WhyThen, PartWaits                words.Text
	Done, TransferShort, Wrong, TimeTitle, WhyTitle, WhyAside   string
	SealedLink, Incomplete, Fork                                string
	FactOrdered, FactPaid, FactReversed, FactHeld, FactCredited words.Text
	FactStarted, FactInvoiced, FactLate, FactLateText, FactHold string
	FactToShop, FactToShopBack                                  words.Text
	EntryToShop                                                 string
	FactUnheld, FactCancelled, FactLapsed, FactLapsedText       string
	NextInvoice, NextInvoiceText, NextInvoiceIf                 string
	NextDue, NextDueText, NextLate, NextLateText                string
	NextLapse, NextLapseText                                    string
	NextTransfer, Sealed, TransferBy                            words.Text
	EntryInvoice, EntryCredit, EntryHeld, EntryUsed             words.Text
	EntryPayment, EntryReversed, LateCosts, LateCostsNone       string
	StillToPay, Vat, TotalOrdered, Bought                       string
	Transfer, TransferLate, AmountField, Iban, Payee            string
	Reference, Structured, Papers, InvoicePdf, InvoicePage      string
	InvoicePageEffect, CreditPdf, CreditPage                    string
	InvoiceData, CreditData, DataEffect                         string
	Shop, ShopText, ShopMail, ShopPhone, ShopChat               string
	OnlyInvoice, OnlyInvoiceEffect, MailMe, MailedTitle         string
	MailedText                                                  words.Text

	AllBills, AllBillsLead, Bills, Pages, Newer, Older, Newest string
	FromTo                                                     words.Text
	Messages, MessagesLead, Mailed, NoMessages, NoMessagesText string
	MailOrder, MailInvoice, MailPaid, MailCredit, MailOther    string
	MailSent, MailFailed, MailWaits, MailFailedText            string
	MailTo, MailMade, MailTaken, MailText, MailAbout, ToOrder  string
	Me, SignIns, SignInsLead, Devices, ThisDevice              string
	UnknownDevice, EndIt, EndAll, NotYou, NotYouText           string
	SignedIn, LastSeen                                         words.Text
	HelpTitle, Questions, AskHow, AnswerHow, AskWays           string
	AnswerWays, AskDays, AnswerDays, AskCards, AnswerCards     string
	AskMissing, AnswerMissing, AskWrong, AnswerWrong           string
	AskCannot, AnswerCannot, AskReal, RealHere                 string
	AskBill, AnswerBill                                        string
	AnswerReal                                                 words.Text
}

// helpers are the ways to reach the operator.
func helpers(t *texts, who merchants.Operator) []page.Door {
	var all []page.Door
	if who.Email != "" {
		all = append(all, page.Door{Href: "mailto:" + who.Email, Icon: "i-msg", Text: t.WriteUs, Effect: who.Email})
	}
	if who.Phone != "" {
		all = append(all, page.Door{Href: "tel:" + who.Phone, Icon: "i-phone", Text: t.CallUs, Effect: who.Phone})
	}
	return all
}

// contacts are the ways to reach a shop.
func contacts(t *texts, list []merchants.Contact) []page.Door {
	var all []page.Door
	for _, c := range list {
		switch {
		case c.Kind == "email":
			all = append(all, page.Door{Href: "mailto:" + c.Value, Icon: "i-msg", Text: t.ShopMail, Effect: c.Value})
		case c.Kind == "phone":
			all = append(all, page.Door{Href: "tel:" + c.Value, Icon: "i-phone", Text: t.ShopPhone, Effect: c.Value})
		case strings.HasPrefix(c.Value, "https://"):
			all = append(all, page.Door{Href: c.Value, Icon: "i-chat", Text: t.ShopChat, Effect: c.Value})
		}
	}
	return all
}
