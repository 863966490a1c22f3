// Command verifier checks what void-audit writes, on golang.org/x/mod/sumdb (which the go command itself uses)
// and the standard library alone. It shares no code with void-audit.
//
// Each line of standard input is a case: {"kind": "inclusion", "input": {...}}. Each line of standard output is
// its verdict: {"ok": true, "detail": "..."} or {"ok": false, "detail": "why"}. Fields of the inputs are those of
// the vectors under tests/vectors.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type testCase struct {
	Kind  string          `json:"kind"`
	Input json.RawMessage `json:"input"`
}

type verdict struct {
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// checks say in words what they found, or why it does not hold.
var checks = map[string]func(json.RawMessage) (string, error){
	"leaf":        leaf,
	"inclusion":   inclusion,
	"consistency": consistency,
	"note":        signedNote,
	"checkpoint":  checkpoint,
	"cosignature": cosignature,
	"envelope":    envelope,
	"tlog-proof":  tlogProof,
	"tiles":       tiles,
}

func judge(line []byte) (found verdict) {
	defer func() {
		if problem := recover(); problem != nil {
			found = verdict{false, fmt.Sprintf("panic: %v", problem)}
		}
	}()
	var given testCase
	if err := json.Unmarshal(line, &given); err != nil {
		return verdict{false, "no case: " + err.Error()}
	}
	check := checks[given.Kind]
	if check == nil {
		return verdict{false, "unknown kind " + given.Kind}
	}
	detail, err := check(given.Input)
	if err != nil {
		return verdict{false, err.Error()}
	}
	return verdict{true, detail}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		if err := encoder.Encode(judge(lines.Bytes())); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}
