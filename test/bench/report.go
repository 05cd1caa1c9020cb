package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// machinePrefix begins the names of what is no result.
const machinePrefix = "machine/"

// report prints results, one a line, as `name value unit`.
type report struct {
	out io.Writer
}

func (r *report) line(name string, value float64, unit string) {
	fmt.Fprintf(r.out, "%s %s %s\n", name, significant(value), unit)
}

// text prints the version of something.
func (r *report) text(name, version string) {
	fmt.Fprintf(r.out, "%s %s version\n", name, version)
}

// against prints what KayCI takes, what the floor program does, and the ratio.
func (r *report) against(name string, kayci, floor float64, unit string) {
	r.line(name+"/kayci", kayci, unit)
	r.line(name+"/floor", floor, unit)
	if floor > 0 {
		r.line(name+"/ratio", kayci/floor, "x")
	}
}

// each prints a value for each key, in their order.
func (r *report) each(prefix string, values map[string]float64, divisor float64, unit string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		r.line(prefix+"/"+key, values[key]/divisor, unit)
	}
}

// significant writes a number with as many digits as a measurement has.
func significant(value float64) string {
	digits := 3
	if value >= 1000 || value <= -1000 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', digits, 64)
}

// row is a line of the table: the same quantity of KayCI and of the floor.
type row struct {
	name, kayci, floor, ratio, unit string
}

// table prints results as docs/benchmarks.md has them: a sentence about the
// machine and the rows of a Markdown table. Other lines are left out.
func table(in io.Reader, out io.Writer) error {
	var rows []*row
	known := map[string]*row{}
	machine := map[string]string{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || !strings.Contains(fields[0], "/") {
			continue
		}
		name, column := fields[0], "kayci"
		if what, ok := strings.CutPrefix(name, machinePrefix); ok {
			machine[what] = fields[1]
			continue
		}
		if cut := strings.LastIndexByte(name, '/'); slices.Contains([]string{"kayci", "floor", "ratio"}, name[cut+1:]) {
			name, column = name[:cut], name[cut+1:]
		}
		if known[name] == nil {
			known[name] = &row{name: name}
			rows = append(rows, known[name])
		}
		known[name].set(column, fields[1], fields[2])
	}
	fmt.Fprintf(out, "%s cores, %s GiB of memory, Go %s, Kubernetes %s:\n\n", machine["cores"], machine["memory"], machine["go"], machine["kubernetes"])
	fmt.Fprint(out, "| Row | KayCI | Floor | Ratio | Unit |\n|---|---:|---:|---:|---|\n")
	for _, r := range rows {
		fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s |\n", r.name, r.kayci, r.floor, r.ratio, r.unit)
	}
	return lines.Err()
}

func (r *row) set(column, value, unit string) {
	switch column {
	case "floor":
		r.floor, r.unit = value, unit
	case "ratio":
		r.ratio = value
	default:
		r.kayci, r.unit = value, unit
	}
}
