// Command achteraf runs the platform and everything around it: the server, the demo, the checks.
//
// It owns flags, environment, files and the two real clocks. It decides no rule of the business.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"achteraf/internal/fault"

	"github.com/alecthomas/kong"
)

// cli is every command. design: docs/commands.md is generated from it.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run the platform for real use."`
	Demo     demoCmd     `cmd:"" help:"Run a demonstration with an invented operator, shops and a clock that moves."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the tables of a database up to date."`
	Verify   verifyCmd   `cmd:"" help:"Prove every balance, total and seal from the rows alone; exit 1 with the first difference."`
	Simulate simulateCmd `cmd:"" help:"Let a market of buyers, shops and a bank live, and check every invariant each day."`
	Bench    benchCmd    `cmd:"" help:"Measure."`
	Import   importCmd   `cmd:"" help:"Read bank files (camt.053)."`
	Doctor   doctorCmd   `cmd:"" help:"Check configuration, database and log."`
	Admin    adminCmd    `cmd:"" help:"What the operator's staff do: shops, keys, blocks, corrections, secrets."`
}

func main() {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("achteraf"),
		kong.Description("Pay after delivery: open, self-hosted, provable to the cent."),
		kong.UsageOnError(),
		kong.Resolvers(&fileResolver{}),
		flagWords(),
	)
	if err != nil {
		fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(); err != nil {
		stop()
		fatal(err)
	}
}

// exitError carries an exit status.
type exitError struct {
	status int
	err    error
}

func (e exitError) Error() string { return e.err.Error() }

func fatal(err error) {
	status := 1
	if e, ok := errors.AsType[exitError](err); ok {
		status = e.status
	}
	fmt.Fprintln(os.Stderr, "achteraf:", describe(err))
	os.Exit(status)
}

// describe writes an error for a person: a fault with its fields, each on a line.
func describe(err error) string {
	f := fault.As(err)
	if f == nil {
		return err.Error()
	}
	text := f.Detail + " (" + f.Code + ")"
	for _, x := range f.Fields {
		text += "\n  " + x.Pointer + ": " + x.Detail
	}
	if f.Err != nil {
		text += "\n  cause: " + f.Err.Error()
	}
	return text
}
