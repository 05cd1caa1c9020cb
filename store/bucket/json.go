package bucket

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// ReadJSON decodes an object, of which it reads no more than so many bytes.
func ReadJSON(ctx context.Context, from Bucket, name string, most int64, into any) error {
	body, err := from.Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, most)).Decode(into); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	return nil
}
