package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"achteraf/internal/db"
	"achteraf/web/older"
)

type benchOlder struct {
	benchOptions
	CheckOnly bool `help:"Measure checks alone."`
}

// Run measures the older wire over HTTP: a check, the order that uses it and the start of its workflow as one
// sequence, each step durable before its answer; or checks alone.
func (b *benchOlder) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	ids, err := s.openWires(ctx)
	if err != nil {
		return err
	}
	h, err := s.listen()
	if err != nil {
		return err
	}
	defer h.close()
	for _, clients := range b.Clients {
		conns, err := h.dial(clients)
		if err != nil {
			return err
		}
		speakers := make([]*olderClient, clients)
		for i := range speakers {
			speakers[i] = &olderClient{wire: conns[i], run: s.run}
		}
		name, step := "older", (*olderClient).sequence
		if b.CheckOnly {
			name, step = "older-check", (*olderClient).checkOnly
		}
		stop, err := b.profile()
		if err != nil {
			return err
		}
		cpu := cpuTime()
		count, errs, took, delays := load(ctx, clients, time.Duration(b.Seconds)*time.Second, func(c int) error {
			shop := rand.IntN(len(ids))
			return step(speakers[c], shop, ids[shop], s.number.Add(1))
		})
		cpu = cpuTime() - cpu
		closeAll(conns)
		if err := stop(); err != nil {
			return err
		}
		f := figureOf(name, s.db.Engine(), clients, count, errs, took, delays)
		f.CPU = float64(cpu.Microseconds()) / float64(max(count-errs, 1))
		b.print(f)
	}
	return nil
}

// openWires opens the older wire for the shops of a stage, and returns the ids of their accounts.
func (s *stage) openWires(ctx context.Context) ([]string, error) {
	ids := make([]string, len(s.shops))
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		for i, shop := range s.shops {
			if err := ensureWorkflow(ctx, tx, shop, demoWorkflow(1)); err != nil {
				return err
			}
			if ids[i], err = s.p.Accounts.Open(ctx, tx, shop, olderUser(i), older.Settings{}); err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}

func olderUser(shop int) string { return fmt.Sprintf("bench-%d", shop) }

// olderClient speaks the older wire over one connection.
type olderClient struct {
	*wire
	run     string
	message []byte
}

// sequence checks a buyer, orders and starts.
func (c *olderClient) sequence(shop int, id string, n int64) error {
	uuid, err := c.check(shop, id, n)
	if err != nil {
		return err
	}
	c.begin(shop, id)
	c.add("<TYPE>P</TYPE><WORKFLOWNUMBER>1</WORKFLOWNUMBER><ORDERNUMBER>", c.run, "-", strconv.FormatInt(n, 10), "</ORDERNUMBER><CHECKUUID>", uuid, "</CHECKUUID>")
	c.buyer(n)
	c.add("<ORDERITEMS><ITEM><CODE>SKU-1</CODE><DESCRIPTION>Running socks</DESCRIPTION><ORDERQUANTITY>2</ORDERQUANTITY><PRICEINCL>10.00</PRICEINCL><BTW>21</BTW></ITEM>",
		"<ITEM><CODE>SHIP</CODE><DESCRIPTION>Delivery</DESCRIPTION><ORDERQUANTITY>1</ORDERQUANTITY><PRICEINCL>5.40</PRICEINCL><BTW>21</BTW></ITEM></ORDERITEMS>")
	if _, err := c.ask("/api/order", "<CODE>200</CODE>"); err != nil {
		return err
	}
	c.begin(shop, id)
	c.add("<INVOICES><ITEM><INVOICENUMBER>", c.run, "-", strconv.FormatInt(n, 10), "</INVOICENUMBER></ITEM></INVOICES>")
	_, err = c.ask("/api/start-workflow", "<MESSAGE>Success</MESSAGE>")
	return err
}

func (c *olderClient) checkOnly(shop int, id string, n int64) error {
	_, err := c.check(shop, id, n)
	return err
}

func (c *olderClient) check(shop int, id string, n int64) (uuid string, err error) {
	c.begin(shop, id)
	c.add("<TYPE>P</TYPE><WORKFLOWNUMBER>1</WORKFLOWNUMBER><ORDERAMOUNT>25.40</ORDERAMOUNT>")
	c.buyer(n)
	body, err := c.ask("/api/check", "<CODE>500</CODE>")
	if err != nil {
		return "", err
	}
	_, rest, _ := bytes.Cut(body, []byte("<UUID>"))
	uuid = string(rest[:max(bytes.IndexByte(rest, '<'), 0)])
	if uuid == "" {
		return "", errors.New("an approved check has no uuid")
	}
	return uuid, nil
}

func (c *olderClient) begin(shop int, id string) {
	c.message = c.message[:0]
	c.add("<API><VERSION>BILLINK2.0</VERSION><CLIENTUSERNAME>", olderUser(shop), "</CLIENTUSERNAME><CLIENTID>", id, "</CLIENTID>")
}

func (c *olderClient) add(parts ...string) {
	for _, p := range parts {
		c.message = append(c.message, p...)
	}
}

// buyer writes buyer n: every second one new, the others of before, as appendOrder does.
func (c *olderClient) buyer(n int64) {
	b := n
	if n%2 == 1 && n > 2 {
		b = rand.Int64N(n)
	}
	number := strconv.FormatInt(b, 10)
	c.add("<FIRSTNAME>Sanne</FIRSTNAME><LASTNAME>Koper", number, "</LASTNAME><STREET>Dorpsstraat</STREET><HOUSENUMBER>", strconv.FormatInt(1+b%9999, 10),
		"</HOUSENUMBER><POSTALCODE>1234 AB</POSTALCODE><CITY>Voorbeeld</CITY><COUNTRYCODE>NL</COUNTRYCODE><PHONENUMBER>06", strconv.FormatInt(10_000_000+b%90_000_000, 10),
		"</PHONENUMBER><BIRTHDATE>01-05-1990</BIRTHDATE><EMAIL>buyer", number, "@example.org</EMAIL><IP>203.0.113.7</IP>")
}

// ask sends the message and wants an answer with a text in it.
func (c *olderClient) ask(path, want string) ([]byte, error) {
	c.add("</API>")
	status, body, err := c.post(path, "-", "-", c.message)
	if err == nil && (status != 200 || !bytes.Contains(body, []byte(want))) {
		err = fmt.Errorf("%s: %w: %d %s", path, errRefused, status, body)
	}
	return body, err
}
