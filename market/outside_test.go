package market

// bugsOutside are bugs of what the platform has to do with the outside: payments by bank button, mails, what buyers see.
var bugsOutside = []struct{ name, sql, want string }{
	{"a payment by button is booked twice", `update psp_payments set paid_cents = 2 * paid_cents where id = (select min(id) from psp_payments where state = 'paid')`, "psp-payments"},
	{"a payment by button is forgotten", `update psp_payments set state = 'open' where id = (select max(id) from psp_payments where state = 'paid')`, "psp-payments"},
	{"a settlement is forgotten", `update psp_settlements set state = 'listed' where id = (select min(id) from psp_settlements where state = 'closed')`, "psp-payments"},
	{"a confirmation is lost", `delete from messages where id = (select min(id) from messages where code = 'order-confirmed')`, "confirmed once"},
	{"a credit is not mailed", `delete from messages where id = (select min(id) from messages where code = 'credit')`, "credits that"},
	{"a message is told twice", `insert into messages (id, merchant_id, subject, code, version, purpose, template, language, order_id, person_id, handle, key_id, recipient, content,
		state, attempts, outcome, answer, made_at, next_at, sent_at, expires_at) select 'msg_twice', merchant_id, subject, code, 2, purpose, template, language, order_id, person_id, handle, key_id, recipient, content,
		state, attempts, outcome, answer, made_at, next_at, sent_at, expires_at from messages where id = (select min(id) from messages where code = 'payment-received')`, "told twice"},
	{"an invoice that was asked for is mailed twice", `insert into messages (id, merchant_id, subject, code, version, purpose, template, language, order_id, person_id, handle, key_id, recipient, content,
		state, attempts, outcome, answer, made_at, next_at, sent_at, expires_at) select 'msg_twice', merchant_id, subject, code, version + 1, purpose, template, language, order_id, person_id, handle, key_id, recipient, content,
		state, attempts, outcome, answer, made_at, next_at, sent_at, expires_at from messages where id = (select min(id) from messages where code = 'invoice-asked' and state = 'sent')`, "within an hour"},
	{"a message waits that was sent", `update messages set state = 'waiting' where id = (select max(id) from messages where state = 'sent')`, "without a next step"},
	{"a message is given up that was sent", `update messages set state = 'failed' where id = (select min(id) from messages where state = 'sent')`, "the mail server's last word"},
	{"orders are not in the overview", `delete from person_orders where order_id in (select order_id from invoices where status = 'open')`, "owners"},
}

// badOutside are such bugs that act while the world goes on.
var badOutside = []struct{ name, sql, want string }{
	{"a mail that was taken is sent again", `create trigger bug after update of state on messages when new.state = 'sent' and new.code = 'invoice' begin
		update messages set state = 'waiting' where id = new.id;
		insert into due (due_at, id, kind, merchant_id, subject, attempts) select max(due_at), 'due_' || new.id, 'message.send', new.merchant_id, new.id, 0 from due; end`, "mail server"},
	{"webhooks are in vain", `create trigger bug after insert on due when new.kind = 'psp.fetch' begin delete from due where id = new.id; end`, "its webhook came"},
	{"nobody looks after payments", `create trigger bug after insert on due when new.kind = 'psp.poll' begin delete from due where id = new.id; end`, errModel.Error()},
	{"requests for invoices are in vain", `create trigger bug after insert on due when new.kind = 'invoice.asked' begin delete from due where id = new.id; end`, "was not mailed"},
	{"settlements are not booked", `create trigger bug after insert on due when new.kind = 'psp.settle' begin delete from due where id = new.id; end`, "without a next step"},
	{"delayed mails are forgotten", `create trigger bug after insert on due when new.kind = 'message.send' and exists (select 1 from messages where id = new.subject)
		begin delete from due where id = new.id; end`, "without a next step"},
}
