package fault

import "fmt"

// Checker gathers what is wrong with the fields of a message.
type Checker struct{ Found []Field }

// Wrong notes a wrong field: its JSON pointer, a stable code, and a sentence that never repeats what was
// typed.
func (c *Checker) Wrong(pointer, code, detail string, args ...any) {
	c.Found = append(c.Found, Field{Pointer: pointer, Code: code, Detail: fmt.Sprintf(detail, args...)})
}
