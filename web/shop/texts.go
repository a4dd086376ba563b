package shop

import "achteraf/internal/words"

// texts are what the shop says.
type texts struct {
	Title, Lead, Invented                      string
	MenuShop, MenuMy, MenuMail                 string
	AllGoods, Add, Quantity, Update, Remove    string
	AddOne, QuantityOf, Each, InclVat          words.Text
	LaterTitle, LaterText, PostTitle           string
	PostText                                   words.Text
	Basket, EmptyTitle, EmptyText              string
	BrokenTitle, BrokenText                    string
	Together, GoodsSum, Postage, Free, Total   string
	Discount, VatIn                            words.Text
	PayLater, PayLaterNote                     string
	HaveCode, Code, UseCode                    string
	CodeHelp, CodeUnknown                      words.Text
	ThanksTitle, Accepted                      string
	ThanksText                                 words.Text
	NextTitle, NextMail, NextMailText          string
	NextParcel, NextParcelText                 string
	NextBill, NextBillText                     string
	PlayTitle, PlayText, PlaySend              string
	PlaySent, PlaySentText, PlayOver           string
	WayMail, WayMailEffect, WayMy, WayMyEffect string
	WayClock, WayClockEffect                   string
	WayShopEffect, BackToBasket                string
	DeclinedTitle, DeclinedText                string
	CancelledTitle, CancelledText              string
	Mug, MugText, Teapot, TeapotText           string
	Vase, VaseText, Lamp, LampText             string
	Bowl, BowlText, Tea, TeaText               string
	Plant, PlantText, Candle, CandleText       string
	Throw, ThrowText, Honey, HoneyText         string
	Book, BookText, Board, BoardText           string
}
