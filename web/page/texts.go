package page

import "achteraf/internal/words"

// texts are what the look itself says, around and inside what a page brings.
type texts struct {
	Skip, MainMenu, TabMenu, Menu, Language                                   string
	WhoWeAre, Registration, VatNumber, Account, InTheName                     string
	ReachUs, DoIt, AskInvoice, CheckMessage                                   string
	MissingTitle, MissingLead, BrokenTitle, BrokenLead                        string
	WrongTitle, WrongLead, BusyTitle, BusyLead, ToTheStart                    string
	Today, Story, YouWouldOwe, Free, Optional                                 string
	DateHead, WhatHead, AmountHead, BalanceHead, SelectsAll, CopyIt, CopiedIt string
	StatusOf, TodayIs, RulerLabel, FreeUntil, UntilDay                        words.Text
	StepOf                                                                    words.Text
	AndMore, EarlierSteps, ThingsToMend                                       words.Text
}
