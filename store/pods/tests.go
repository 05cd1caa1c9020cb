package pods

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/tests"
)

// maxReport bounds a report on tests as JSON, in bytes.
const maxReport = 64 << 20

// putTests takes the report on the tests of a job.
func (s *server) putTests(w http.ResponseWriter, r *http.Request, who *Identity) error {
	return receive(w, r, s.lists, func(ctx context.Context, data []byte) error {
		raw, err := unpack(data, maxReport)
		if err != nil {
			return err
		}
		report, err := readReport(raw)
		if err != nil {
			return err
		}
		if raw, err = json.Marshal(report); err != nil {
			return err
		}
		packed, err := parcel.Gzip(raw)
		if err != nil {
			return err
		}
		if len(packed) > bucket.MaxSize {
			return refuse(http.StatusRequestEntityTooLarge, "the report has %d bytes, even compressed: %d may be stored", len(packed), bucket.MaxSize)
		}
		err = parcel.Put(ctx, s.Bucket, who.Place.Tests(who.Job, who.PodUID), packed)
		if errors.Is(err, parcel.ErrDiffers) {
			return refuse(http.StatusConflict, "the pod has stored another report on its tests: it can't be changed")
		}
		return err
	})
}

// readReport reads a report, and refuses what no report is that was read from files.
func readReport(raw []byte) (*tests.Report, error) {
	report := &tests.Report{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if err := decoder.Decode(report); err != nil || decoder.More() {
		return nil, refuse(http.StatusBadRequest, "the body is no report on tests")
	}
	if len(report.Cases) > tests.MaxCases || len(report.Warnings) > tests.MaxWarnings+1 {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the report has %d cases and %d warnings, more than a report holds", len(report.Cases), len(report.Warnings))
	}
	if report.Tests < 0 || report.Failed < 0 || report.Skipped < 0 || report.Omitted < 0 {
		return nil, refuse(http.StatusBadRequest, "the report counts less than no tests")
	}
	return report, nil
}
