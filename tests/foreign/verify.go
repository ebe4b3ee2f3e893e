// A verifier of logs on golang.org/x/mod/sumdb: one question a line, and yes or no to each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Kind, Note, Old, Key string
	Leaf                 []byte
	Index                int64
	Proof                [][]byte
}

func tree(signed, key string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func hashes(proof [][]byte) (all []tlog.Hash) {
	for _, one := range proof {
		var hash tlog.Hash
		copy(hash[:], one)
		all = append(all, hash)
	}
	return all
}

func check(asked question) error {
	now, err := tree(asked.Note, asked.Key)
	if err != nil {
		return err
	}
	switch asked.Kind {
	case "inclusion":
		return tlog.CheckRecord(hashes(asked.Proof), now.N, now.Hash, asked.Index, tlog.RecordHash(asked.Leaf))
	case "consistency":
		before, err := tree(asked.Old, asked.Key)
		if err != nil {
			return err
		}
		return tlog.CheckTree(hashes(asked.Proof), now.N, now.Hash, before.N, before.Hash)
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := check(asked); err != nil {
			fmt.Println("no:", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("yes")
		}
	}
}
