package api

import "fmt"

// Document is the OpenAPI document as it is served.
func Document() []byte { return pages().document }

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
