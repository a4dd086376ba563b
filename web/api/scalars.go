package api

import (
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// integer is a whole JSON number that knows whether it was given; null is not a number.
type integer struct {
	value int64
	given bool
}

// UnmarshalJSONFrom reads digits, perhaps with a minus sign; 1.0 and 1e2 are refused.
func (n *integer) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	kind := d.PeekKind()
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	wrong := &json.SemanticError{JSONKind: kind, GoType: reflect.TypeFor[int64]()}
	if kind != '0' {
		return wrong
	}
	n.given = true
	if n.value, err = strconv.ParseInt(string(raw), 10, 64); err != nil {
		wrong.Err = err
		return wrong
	}
	return nil
}

// Schema describes it.
func (integer) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
}

// quantity is how much of a thing: a whole JSON number, or decimal text such as "0.75".
type quantity string

// UnmarshalJSONFrom reads either form; what the text says is for orders to judge.
func (q *quantity) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	kind := d.PeekKind()
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch kind {
	case 'n':
		*q = ""
		return nil
	case '0':
		if _, err := strconv.ParseUint(string(value), 10, 64); err != nil {
			return &json.SemanticError{JSONKind: kind, GoType: reflect.TypeFor[quantity](), Err: err}
		}
		*q = quantity(value)
		return nil
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		*q = quantity(text)
		return err
	}
	return &json.SemanticError{JSONKind: kind, GoType: reflect.TypeFor[quantity]()}
}

// Schema describes both forms.
func (quantity) Schema(huma.Registry) *huma.Schema {
	least := 1.0
	return &huma.Schema{
		Description: "More than 0, at most a million: a whole number, or decimal text with at most four places.",
		OneOf: []*huma.Schema{
			{Type: huma.TypeInteger, Minimum: &least},
			{Type: huma.TypeString, Pattern: `^[0-9]+(\.[0-9]+)?$`},
		},
		Examples: []any{1, "0.75"},
	}
}

// returnMark says that a thing cannot be sent back.
type returnMark string

// Schema describes it.
func (returnMark) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true, Enum: []any{"not_returnable", nil}, Description: "Null for what can be sent back."}
}
