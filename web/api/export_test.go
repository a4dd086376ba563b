package api

import (
	"encoding/json"
	"fmt"
)

// Document is the OpenAPI document as it is served.
func Document() []byte {
	text, err := json.MarshalIndent(document(operations()), "", "  ")
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}

// ProblemRows are the rows that docs/problems.md has for what this package explains.
func ProblemRows() []string {
	var rows []string
	for _, m := range meanings {
		rows = append(rows, fmt.Sprintf("| `%s` | %d | %s | %s |", m.code, m.status, m.means, m.remedy))
	}
	for _, f := range fieldMeanings {
		rows = append(rows, fmt.Sprintf("| `%s` | %s |", f.code, f.means))
	}
	return rows
}
