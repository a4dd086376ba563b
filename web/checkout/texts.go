package checkout

import "achteraf/internal/words"

// texts are what the till says. Button is what the law wants on it: BW 6:230v(3), WER VI.46 § 2, Code de la
// consommation L221-14, BGB § 312j(3); in English the words of Directive 2011/83/EU, art. 8(2).
type texts struct {
	Title                                                 string
	OrderAt, BackTo                                       words.Text
	You, Person, Company                                  string
	Details, First, Last, Email, EmailHelp                string
	Birth, BirthHelp, Phone, PhoneHelp                    string
	CompanyName, Number, NumberHelp, Vat, VatHelp         string
	Address, Street, House, Suffix, Postcode, City        string
	Country, Netherlands, Belgium, Delivery               string
	Basket, Total, NoVat                                  string
	VatOf, VatIn, Times                                   words.Text
	TotalLabel                                            string
	NowPay                                                words.Text
	Now                                                   string
	NowText                                               words.Text
	BillDay                                               words.Text
	BillText                                              string
	PayDay, PayText                                       words.Text
	NoCosts, Checks, ChecksText                           string
	Agree, CreditorOwn, CreditorCollected, CreditorBought words.Text
	ShopTerms, OurTerms                                   words.Text
	CreditWarning, Button, AnswerAtOnce, Otherwise        string
	ErrRequired, ErrLong, ErrCharacters, ErrEmail         string
	ErrPhone, ErrBirth, ErrFuture, ErrPast, ErrHouse      string
	ErrPostcode, ErrNumber, ErrVat, ErrOther              string
	AcceptedTitle, Later, AcceptedNext                    string
	AcceptedLead, LaterUntil, LaterSoon                   words.Text
	ToShop                                                words.Text
	WhatNext, StepMail, StepMailText, StepBill            string
	StepBillText                                          words.Text
	StepPay                                               words.Text
	StepPayText, ToMy, ToMyEffect                         string
	RefusedTitle, RefusedLead, Why                        string
	ReasonCountry, ReasonCountryText, ReasonAge           string
	ReasonAgeText, ReasonAmount, ReasonRecord             string
	ReasonRecordText                                      string
	ReasonAmountText                                      words.Text
	ReferredTitle, ReferredLead, ReasonProof              string
	ReasonProofText, ReasonOften, ReasonOftenText         string
	WhatYouCan, OtherWay, Change, ChangeNone              string
	OtherWayText                                          words.Text
	ChangeText                                            words.Text
	ShopKnows, ShopKnowsText, Ask                         string
	AskText                                               words.Text
	CancelledTitle, CancelledText, ExpiredTitle           string
	ExpiredText, UnknownTitle, UnknownText                string
	TakenTitle, TakenText, ClosedText                     string
	ClosedTitle                                           words.Text
	TermsTitle, ShopTermsNone, PayTermsTitle              string
	TermsLead, ShopTermsAt                                words.Text
	PayOrder, PayOrderText, PayBill, PayLate, PayLateText string
	PayReturn, PayReturnText, PayData, PayDataText        string
	PayBillText                                           words.Text
	PayCreditor, ToTill                                   string
}
