// Package design is the living catalogue: every component of the look in every state, at /design of a demonstration.
//
// It owns the examples, which are invented. It does not own a component: what is not in web/page cannot stand here, and
// what is not here is not in the product.
//
// # What is always true
//
//   - The page is made of the same components as every other, so it shows what people get.
//   - It is written for developers, in English; amounts and dates stand there in all four languages.
package design
