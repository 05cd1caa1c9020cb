package tests

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRead reads what a large module leaves: mostly cases that passed, and mostly
// their output.
func BenchmarkRead(b *testing.B) {
	for name, of := range map[string]struct{ passed, failed string }{
		"cases": {
			`<testcase classname="example.com/shop/cart" name="TestTotal/case_%d" time="0.010000"></testcase>` + "\n",
			`<testcase classname="example.com/shop/cart" name="TestSum/case_%d" time="0.010000"><failure message="Failed" type="">    sum_test.go:12: got 1, want 2&#xA;</failure></testcase>` + "\n",
		},
		"output": {
			`<testcase classname="com.example.CartTest" name="sums%d" time="0.01"><system-out><![CDATA[` + strings.Repeat("2026-03-02 09:14:11 INFO c.e.Cart - added\n", 100) + `]]></system-out></testcase>`,
			`<testcase classname="com.example.CartTest" name="fails%d" time="0.01"><failure message="no">` + strings.Repeat("\tat com.example.Cart.sum(Cart.java:12)\n", 50) + `</failure></testcase>`,
		},
	} {
		b.Run(name, func(b *testing.B) {
			var file strings.Builder
			file.WriteString(`<?xml version="1.0" encoding="UTF-8"?><testsuites><testsuite name="s">`)
			for i := 0; file.Len() < 8<<20; i++ {
				text := of.passed
				if i%50 == 0 {
					text = of.failed
				}
				fmt.Fprintf(&file, text, i)
			}
			file.WriteString(`</testsuite></testsuites>`)
			b.SetBytes(int64(file.Len()))
			b.ReportAllocs()
			for b.Loop() {
				var report Report
				report.Read("x.xml", strings.NewReader(file.String()))
				if report.Failed == 0 || report.Warnings != nil {
					b.Fatal(report.Warnings)
				}
			}
		})
	}
}
