// Package clock is the page of a demonstration on which anybody moves its time on, to see what comes later.
//
// It owns the page and its texts. It does not own the time nor what happens on the way (platform), and no platform for
// real use serves it.
//
// # What is always true
//
//   - Time goes forward only, by the steps that the page offers.
package clock
