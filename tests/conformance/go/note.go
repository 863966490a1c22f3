package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type noteInput struct {
	Vkey string
	Note string
}

type head struct {
	origin string
	size   int64
	root   tlog.Hash
}

func open(input noteInput, make func(string) (note.Verifier, error)) (*note.Note, note.Verifier, error) {
	verifier, err := make(input.Vkey)
	if err != nil {
		return nil, nil, err
	}
	opened, err := note.Open([]byte(input.Note), note.VerifierList(verifier))
	return opened, verifier, err
}

func signedNote(input json.RawMessage) (string, error) {
	var given noteInput
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	opened, _, err := open(given, note.NewVerifier)
	if err != nil {
		return "", err
	}
	return opened.Text, nil
}

// parseHead reads the text of a checkpoint (C2SP tlog-checkpoint).
func parseHead(text string) (*head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return nil, errors.New("no checkpoint: too few lines")
	}
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			return nil, errors.New("no checkpoint: an empty line")
		}
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, fmt.Errorf("no checkpoint: its size is %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return nil, fmt.Errorf("no checkpoint: its root is %q", lines[2])
	}
	found := &head{origin: lines[0], size: size}
	copy(found.root[:], root)
	return found, nil
}

func openHead(given noteInput) (*head, error) {
	opened, verifier, err := open(given, note.NewVerifier)
	if err != nil {
		return nil, err
	}
	found, err := parseHead(opened.Text)
	if err != nil {
		return nil, err
	}
	if found.origin != verifier.Name() {
		return nil, fmt.Errorf("a checkpoint of %q, not of %q", found.origin, verifier.Name())
	}
	return found, nil
}

func checkpoint(input json.RawMessage) (string, error) {
	var given noteInput
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	found, err := openHead(given)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %d %s", found.origin, found.size, hex.EncodeToString(found.root[:])), nil
}

// cosigner verifies C2SP cosignature/v1, type 4: x/mod knows only type 1.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
	at   uint64
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	c.at = binary.BigEndian.Uint64(signature)
	if c.at > math.MaxInt64 {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", c.at, text)
	return ed25519.Verify(c.key, []byte(signed), signature[8:])
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("no vkey")
	}
	typed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != 4 {
		return nil, errors.New("no vkey of an Ed25519 cosigner")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), typed...))
	if hex.EncodeToString(sum[:4]) != parts[1] {
		return nil, errors.New("a vkey with another hash")
	}
	return &cosigner{name: parts[0], hash: binary.BigEndian.Uint32(sum[:]), key: ed25519.PublicKey(typed[1:])}, nil
}

func cosignature(input json.RawMessage) (string, error) {
	var given noteInput
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	opened, verifier, err := open(given, newCosigner)
	if err != nil {
		return "", err
	}
	if _, err := parseHead(opened.Text); err != nil {
		return "", err
	}
	return strconv.FormatUint(verifier.(*cosigner).at, 10), nil
}
