package main

import (
	"context"
	"fmt"

	"achteraf/internal/db"
	"achteraf/internal/jobs"
)

type failedCmd struct {
	List  failedListCmd  `cmd:"" help:"Show what failed for good, the oldest first."`
	Retry failedRetryCmd `cmd:"" help:"Give one piece of work new tries."`
}

// mostFailed is how many rows one page shows.
const mostFailed = 100

type failedListCmd struct {
	database
	After string `help:"Go on after this id." placeholder:"ID"`
}

// Run lists the work that eight tries could not do. Nothing of it is lost; a person decides.
func (c *failedListCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	list, err := failedWork(ctx, d, c.After, mostFailed)
	if err != nil {
		return err
	}
	for _, f := range list {
		fmt.Printf("%s  %s  %s  %s  due %s  failed %s  %s\n", f.ID, f.Kind, f.Merchant, f.Subject, f.At, f.Failed, f.Reason)
	}
	switch {
	case len(list) == 0:
		fmt.Println("Nothing has failed for good.")
	case len(list) == mostFailed:
		fmt.Printf("More: achteraf admin failed list --after %s\n", list[len(list)-1].ID)
	}
	return nil
}

func failedWork(ctx context.Context, d *db.DB, after string, most int) (list []jobs.Failure, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		list, err = jobs.Failed(ctx, tx, after, most)
		return err
	})
	return list, err
}

type failedRetryCmd struct {
	database
	ID string `arg:"" help:"Id of the work, due_…"`
}

func (c *failedRetryCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Write(ctx, func(tx *db.Tx) error { return jobs.Retry(ctx, tx, c.ID) })
}
