// Prints how the Go types of Kubernetes' APIs look in protobuf and in JSON: both stand in the tags of their fields, and only there. `npm run pin:types` runs it.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"
)

// By "GROUP/VERSION Kind" the position of its type, and what the types consist of.
type table struct {
	Version string         `json:"version"`
	Kinds   map[string]int `json:"kinds"`
	Types   []typeRow      `json:"types"`
}

type typeRow struct {
	Name   string  `json:"name"`
	Fields []field `json:"fields"`
}

// Number in protobuf, name in JSON (empty: its fields are those of who has it), what it is, and letters: e omitempty, z omitzero, p pointer, l list, m map,
// w a list inside a message of its own, a list that is a map's value.
type field struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	Is     string `json:"is"`
	Flags  string `json:"flags,omitempty"`
}

var (
	marshaler = reflect.TypeFor[json.Marshaler]()
	places    = map[reflect.Type]int{}
	out       = table{Kinds: map[string]int{}}
)

func main() {
	out.Version = os.Args[1]
	known := scheme.Scheme.AllKnownTypes()
	names := map[string]reflect.Type{}
	for gvk, t := range known {
		if _, has := t.FieldByName("ObjectMeta"); has && gvk.Version != "__internal" {
			names[gvk.GroupVersion().String()+" "+gvk.Kind] = t
		}
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		out.Kinds[name] = place(names[name])
	}
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}

func place(t reflect.Type) int {
	if at, known := places[t]; known {
		return at
	}
	at := len(out.Types)
	places[t] = at
	out.Types = append(out.Types, typeRow{})
	fields := []field{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, stored := f.Tag.Lookup("protobuf")
		if !stored || tag == "-" {
			continue
		}
		fields = append(fields, describe(f, strings.Split(tag, ",")))
	}
	out.Types[at] = typeRow{Name: t.String(), Fields: fields}
	return at
}

func describe(f reflect.StructField, protobuf []string) field {
	number, err := strconv.Atoi(protobuf[1])
	if err != nil {
		panic(f.Name)
	}
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	flags := ""
	for _, option := range strings.Split(options, ",") {
		flags += map[string]string{"omitempty": "e", "omitzero": "z", "": "", "inline": ""}[option]
		if option == "string" {
			panic("numbers in quotes: " + f.Name)
		}
	}
	if name == "" && !f.Anonymous {
		panic("no name in JSON: " + f.Name)
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		flags += "p"
		t = t.Elem()
	}
	if special(t) == "" {
		switch {
		case t.Kind() == reflect.Map:
			flags += "m"
			if t.Key().Kind() != reflect.String {
				panic("keys: " + f.Name)
			}
			t = t.Elem()
			if isMessage(t) {
				flags += "w"
				t = t.Elem()
			}
		case isList(t):
			flags += "l"
			if isMessage(t) {
				flags += "w"
			}
			t = t.Elem()
		}
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return field{Number: number, Name: name, Is: kindOf(t), Flags: flags}
}

func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

// A list with a name of its own may be a message whose field 1 it is.
func isMessage(t reflect.Type) bool {
	_, is := reflect.PointerTo(t).MethodByName("Unmarshal")
	return isList(t) && is
}

// Types that write their JSON themselves.
func special(t reflect.Type) string {
	if t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler) {
		return t.String()
	}
	return ""
}

func kindOf(t reflect.Type) string {
	if name := special(t); name != "" {
		return name
	}
	switch t.Kind() {
	case reflect.Struct:
		return "#" + strconv.Itoa(place(t))
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return t.Kind().String()
	case reflect.Slice:
		return "bytes"
	}
	panic(t.String())
}
