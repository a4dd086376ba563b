package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

const sample = "../../docs/achteraf.toml"

// parse reads a command line as main does, and runs nothing.
func parse(t *testing.T, args ...string) (*cli, error) {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, kong.Name("achteraf"), kong.Resolvers(&fileResolver{}), flagWords())
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return &c, err
}

// TestSampleIsTrue holds that the sample with all of its optional settings is one that serve takes, and that it
// names each setting there is.
func TestSampleIsTrue(t *testing.T) {
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`(?m)^# (\[?[a-z_]+(\]| = .*))$`).ReplaceAllString(string(text), "$1")
	path := filepath.Join(t.TempDir(), "achteraf.toml")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{sample, path} {
		c, err := parse(t, "serve", "--config", file)
		if err != nil {
			t.Fatal(err)
		}
		if c.Serve.AdminListen != "127.0.0.1:8081" || c.Serve.PublicURL != "https://achteraf.example" || c.Serve.VaultKeysFile != "/etc/achteraf/vault.keys" {
			t.Errorf("%s: serve reads %+v", file, c.Serve)
		}
		operator, err := readOperator(file)
		if err != nil || len(operator.Check()) > 0 {
			t.Errorf("%s: the operator: %v %v", file, err, operator.Check())
		}
	}
	meta, err := toml.Decode(whole, &tables{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range tableKeys("", reflect.TypeFor[tables]()) {
		if !meta.IsDefined(strings.Split(name, ".")...) && name != "mail.off" { // the sample sends mail; its comment tells of off
			t.Errorf("the sample does not name %s", name)
		}
	}
	var c cli
	parser, err := kong.New(&c, flagWords())
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		for key := range flagKeys(command) {
			if command.Name == "serve" && !meta.IsDefined(key) {
				t.Errorf("the sample does not name %s", key)
			}
		}
	}
}

// tableKeys are the dotted names of all settings of a table.
func tableKeys(at string, of reflect.Type) map[string]bool {
	all := map[string]bool{}
	for i := range of.NumField() {
		f := of.Field(i)
		name := f.Tag.Get("toml")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		deep := f.Type
		for deep.Kind() == reflect.Pointer || deep.Kind() == reflect.Slice {
			deep = deep.Elem()
		}
		if deep.Kind() != reflect.Struct {
			all[at+name] = true
			continue
		}
		if f.Type.Kind() == reflect.Slice { // of tables: the decoder does not tell which of them has a key
			all[at+name] = true
			continue
		}
		for key := range tableKeys(at+name+".", deep) {
			all[key] = true
		}
	}
	return all
}

// TestStrangeKeys holds that a misspelt setting stops the start and is named.
func TestStrangeKeys(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"a flag", "lissten = \"127.0.0.1:1\"", "lissten"},
		{"in a table", "[mail]\nhost = \"x\"\nprot = 25", "mail.prot"},
		{"a table", "[operater]\nname = \"x\"", "operater"},
		{"a flag of another command", "listen = \"127.0.0.1:1\"\nseed = 7", ""},
		{"a wrong kind", "[mail]\nport = \"x\"", "mail.port"},
		{"no TOML", "[mail", "achteraf.toml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "achteraf.toml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := parse(t, "serve", "--config", path)
			if (c.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
