package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/kayci/kayci/store/archive"
)

// TestCheck: a manifest that Pack wouldn't make is refused.
func TestCheck(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0a", 32)
	part := archive.Part{Size: 100, Raw: 2048, SHA256: sum}
	f := func(path string) archive.File { return archive.File{Path: path, Mode: 0o644} }
	for _, tt := range []struct {
		name  string
		with  func(m *archive.Manifest)
		fails string
	}{
		{name: "fine", with: func(*archive.Manifest) {}},
		{name: "another version", with: func(m *archive.Manifest) { m.Version = 2 }, fails: "the manifest has version 2, and this program knows 1: use a newer one"},
		{name: "too many files", with: func(m *archive.Manifest) { m.Files = make([]archive.File, 1001) }, fails: "the archive has 1001 files, folders and links, more than 1000"},
		{name: "too many bytes", with: func(m *archive.Manifest) { m.Bytes = 1<<30 + 1 }, fails: "the archive's files have 1073741825 bytes, more than 1073741824"},
		{name: "less than no bytes", with: func(m *archive.Manifest) { m.Bytes = -1 }, fails: "the archive's files have -1 bytes, more than 1073741824"},
		{name: "other bytes", with: func(m *archive.Manifest) { m.Bytes = 4 }, fails: "the archive's files have 5 bytes, not 4 as it says"},
		{name: "too many parts", with: func(m *archive.Manifest) { m.Parts = make([]archive.Part, 17) }, fails: "the archive has 17 parts, more than 16"},
		{name: "a large part", with: func(m *archive.Manifest) { m.Parts[0].Size = archive.PartSize + 1 }, fails: "part 0 has 8388609 bytes, not 1 to 8388608"},
		{name: "an empty part", with: func(m *archive.Manifest) { m.Parts[0].Size = 0 }, fails: "part 0 has 0 bytes, not 1 to 8388608"},
		{name: "a part of much", with: func(m *archive.Manifest) { m.Parts[0].Raw = archive.PartRaw + 1 }, fails: "part 0 has 67108865 raw bytes, not 1 to 67108864"},
		{name: "a part of less than nothing", with: func(m *archive.Manifest) { m.Parts[0].Raw = -1 }, fails: "part 0 has -1 raw bytes, not 1 to 67108864"},
		{name: "parts for nothing", with: func(m *archive.Manifest) { m.Parts[0].Raw = 1 << 20 }, fails: "the parts have more raw bytes than 3 files of 5 bytes need"},
		{name: "no hash", with: func(m *archive.Manifest) { m.Parts[0].SHA256 = "0a" }, fails: `part 0 has no SHA-256: "0a"`},
		{name: "a hash of letters", with: func(m *archive.Manifest) { m.Parts[0].SHA256 = strings.Repeat("x", 64) }, fails: `part 0 has no SHA-256: "` + strings.Repeat("x", 64) + `"`},
		{name: "no path", with: func(m *archive.Manifest) { m.Files[0].Path = "" }, fails: `"" is no path below a folder`},
		{name: "the folder itself", with: func(m *archive.Manifest) { m.Files[0].Path = "." }, fails: `"." is no path below a folder`},
		{name: "up", with: func(m *archive.Manifest) { m.Files[0].Path = "../x" }, fails: `"../x" is no path below a folder`},
		{name: "up within", with: func(m *archive.Manifest) { m.Files[0].Path = "a/../../x" }, fails: `"a/../../x" is no path below a folder`},
		{name: "absolute", with: func(m *archive.Manifest) { m.Files[0].Path = "/etc/x" }, fails: `"/etc/x" is no path below a folder`},
		{name: "a slash at the end", with: func(m *archive.Manifest) { m.Files[0].Path = "a/" }, fails: `"a/" is no path below a folder`},
		{name: "a zero byte", with: func(m *archive.Manifest) { m.Files[0].Path = "a\x00" }, fails: `"a\x00": the name isn't UTF-8, so it can't be kept: rename or exclude it`},
		{name: "a long path", with: func(m *archive.Manifest) { m.Files[0].Path = strings.Repeat("a", 4097) }, fails: fmt.Sprintf("%q…: the path has 4097 bytes, more than 4096", strings.Repeat("a", 200))},
		{name: "a long name", with: func(m *archive.Manifest) { m.Files[0].Path = strings.Repeat("a", 256) }, fails: fmt.Sprintf("%q…: a name in the path has 256 bytes, more than 255", strings.Repeat("a", 200))},
		{name: "a deep path", with: func(m *archive.Manifest) { m.Files[0].Path = strings.Repeat("a/", 128) + "a" }, fails: fmt.Sprintf("%q… is in more than 127 folders: exclude it", strings.Repeat("a/", 100))},
		{name: "twice", with: func(m *archive.Manifest) { m.Files[1] = m.Files[0] }, fails: `"a" comes behind "a": it is there twice, or not in its place`},
		{name: "not in order", with: func(m *archive.Manifest) { m.Files[2].Path = "0" }, fails: `"0" comes behind "a/l": it is there twice, or not in its place`},
		{name: "in a file", with: func(m *archive.Manifest) { m.Files = []archive.File{f("a"), f("a-b"), f("a/b/c")} }, fails: `"a/b/c" is in "a", which is no folder`},
		{name: "in a link", with: func(m *archive.Manifest) {
			m.Files = []archive.File{{Path: "a", Link: "b"}, f("a/b")}
		}, fails: `"a/b" is in "a", which is no folder`},
		{name: "setuid", with: func(m *archive.Manifest) { m.Files[0].Mode = 0o4755 }, fails: `"a": there is no mode 4755, time 0 or size 0`},
		{name: "before time", with: func(m *archive.Manifest) { m.Files[0].Modified = -1 }, fails: `"a": there is no mode 755, time -1 or size 0`},
		{name: "after time", with: func(m *archive.Manifest) { m.Files[0].Modified = 1 << 40 }, fails: `"a": there is no mode 755, time 1099511627776 or size 0`},
		{name: "less than empty", with: func(m *archive.Manifest) { m.Files[2].Size = -5 }, fails: `"b": there is no mode 644, time 0 or size -5`},
		{name: "a folder and a link", with: func(m *archive.Manifest) { m.Files[0].Link = "x" }, fails: `"a" is more than one of file, folder and link`},
		{name: "a folder with bytes", with: func(m *archive.Manifest) { m.Files[0].Size = 1 }, fails: `"a" is more than one of file, folder and link`},
		{name: "a link with bytes", with: func(m *archive.Manifest) { m.Files[1].Size = 1 }, fails: `"a/l" is more than one of file, folder and link`},
		{name: "an absolute link", with: func(m *archive.Manifest) { m.Files[1].Link = "/etc" }, fails: `"a/l": the symbolic link leads to the absolute path "/etc", so it can't be kept: make it relative or exclude it`},
		{name: "a link out", with: func(m *archive.Manifest) { m.Files[1].Link = ".././../x" }, fails: `"a/l": the symbolic link may lead out of the folder, to ".././../x", so it can't be kept: exclude it`},
		{name: "a link to the folder itself", with: func(m *archive.Manifest) { m.Files[1].Link = ".." }},
		{name: "a place without bytes", with: func(m *archive.Manifest) { m.Files[0].Offset = 1 }, fails: `"a" has no bytes, but a place for them`},
		{name: "in no part", with: func(m *archive.Manifest) { m.Files[2].Part = 1 }, fails: `"b": there is no byte 512 of part 1`},
		{name: "in a part before all", with: func(m *archive.Manifest) { m.Files[2].Part = -1 }, fails: `"b": there is no byte 512 of part -1`},
		{name: "behind its part", with: func(m *archive.Manifest) { m.Files[2].Offset = 2048 }, fails: `"b": there is no byte 2048 of part 0`},
		{name: "before its part", with: func(m *archive.Manifest) { m.Files[2].Offset = -1 }, fails: `"b": there is no byte -1 of part 0`},
		{name: "more than there is", with: func(m *archive.Manifest) { m.Files[2].Size, m.Bytes = 1537, 1537 }, fails: `"b" has bytes of another file, or more than there are`},
		{name: "more than numbers go", with: func(m *archive.Manifest) { m.Files[2].Size = 1<<63 - 1 }, fails: `"b" has bytes of another file, or more than there are`},
		{name: "another's bytes", with: func(m *archive.Manifest) {
			m.Files = append(m.Files, archive.File{Path: "c", Size: 5, Offset: 516})
			m.Bytes = 10
		}, fails: `"c" has bytes of another file, or more than there are`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &archive.Manifest{
				Version: 1, Parts: []archive.Part{part}, Bytes: 5,
				Files: []archive.File{{Path: "a", Mode: 0o755, Folder: true}, {Path: "a/l", Link: "../b"}, {Path: "b", Mode: 0o644, Size: 5, Offset: 512}},
			}
			tt.with(m)
			err := m.Check(plenty)
			if said(err) != tt.fails {
				t.Errorf("it says %v", err)
			}
			if err == nil {
				return
			}
			root := makeFolder(t)
			if err := archive.Unpack(t.Context(), root, m, plenty, nil); err == nil {
				t.Error("it was unpacked")
			}
			if diff := cmp.Diff(tree{}, look(t, root)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	m, _ := pack(t, plant(t, tree{"a/b": file(0o644, "b"), "a/l": link("b"), "c/": folder(0o755)}), "**")
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := archive.Decode(data, plenty)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	for _, tt := range []struct{ data, fails string }{
		{``, "read the manifest: unexpected EOF"},
		{`[]`, "read the manifest: it is no object"},
		{`{"version": 1}`, ""},
		{`{"version": 1, "new": {"x": []}}`, ""},
		{`{"version": 1} {}`, "read the manifest: something comes behind it"},
		{`{"version": 1}}`, "read the manifest: something comes behind it"},
		{`{"version": 1`, "read the manifest: unexpected EOF"},
		{`{"version": "1"}`, "read the manifest: version: json: cannot unmarshal string into Go value of type int"},
		{`{"files": {}}`, "read the manifest: files: it is no list"},
		{`{"files": [` + strings.Repeat("{},", 1000) + `{}]}`, "read the manifest: files: there are more than 1000"},
		{`{"parts": [` + strings.Repeat("{},", 1100) + `{}]}`, "read the manifest: parts: there are more than 1055"},
		{`{"version": 7}`, "the manifest has version 7, and this program knows 1: use a newer one"},
		{strings.Repeat(" ", 1<<20+1), "the manifest has more than 1048576 bytes"},
	} {
		_, err := archive.Decode([]byte(tt.data), plenty)
		if said(err) != tt.fails {
			t.Errorf("%.60s: it says %v", tt.data, err)
		}
	}
}

func compress(t testing.TB, raw ...[]byte) []byte {
	t.Helper()
	var data bytes.Buffer
	for _, piece := range raw {
		encoder, err := zstd.NewWriter(&data, zstd.WithWindowSize(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := encoder.Write(piece); err != nil {
			t.Fatal(err)
		}
		if err := encoder.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return data.Bytes()
}

// seal has a manifest say the size and hash of a part that was changed.
func seal(m *archive.Manifest, n int, data []byte) {
	m.Parts[n].Size, m.Parts[n].SHA256 = int64(len(data)), fmt.Sprintf("%x", sha256.Sum256(data))
}

// TestHostileParts: parts that aren't what the manifest says yield no file.
func TestHostileParts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, m *archive.Manifest, s *shelf)
		fails  string
	}{
		{name: "other bytes", change: func(_ *testing.T, _ *archive.Manifest, s *shelf) { s.parts[0][100]++ }, fails: "part 0 isn't what was stored: its size or SHA-256 is another"},
		{name: "a byte less", change: func(_ *testing.T, _ *archive.Manifest, s *shelf) { s.parts[0] = s.parts[0][:len(s.parts[0])-1] }, fails: "part 0 isn't what was stored: its size or SHA-256 is another"},
		{name: "a byte more", change: func(_ *testing.T, _ *archive.Manifest, s *shelf) { s.parts[0] = append(s.parts[0], 0) }, fails: "part 0 isn't what was stored: its size or SHA-256 is another"},
		{name: "nothing", change: func(_ *testing.T, _ *archive.Manifest, s *shelf) { s.parts[0] = nil }, fails: "part 0 isn't what was stored: its size or SHA-256 is another"},
		{name: "missing", change: func(_ *testing.T, _ *archive.Manifest, s *shelf) { delete(s.parts, 0) }, fails: "part 0: it isn't there"},
		{name: "more raw bytes", change: func(t *testing.T, m *archive.Manifest, s *shelf) {
			t.Helper()
			s.parts[0] = compress(t, append(s.joined(t), 0))
			seal(m, 0, s.parts[0])
		}, fails: "part 0 has more than the 2560 raw bytes that the manifest says, or no proper end"},
		{name: "a bomb", change: func(t *testing.T, m *archive.Manifest, s *shelf) {
			t.Helper()
			s.parts[0] = compress(t, make([]byte, 200<<20))
			seal(m, 0, s.parts[0])
			m.Files[0].Size, m.Bytes = 2048, 2048
		}, fails: "part 0 has more than the 2560 raw bytes that the manifest says, or no proper end"},
		{name: "frames behind it", change: func(t *testing.T, m *archive.Manifest, s *shelf) {
			t.Helper()
			s.parts[0] = compress(t, s.joined(t), []byte("more"))
			seal(m, 0, s.parts[0])
		}, fails: "part 0 has more than the 2560 raw bytes that the manifest says, or no proper end"},
		{name: "fewer raw bytes", change: func(t *testing.T, m *archive.Manifest, s *shelf) {
			t.Helper()
			s.parts[0] = compress(t, s.joined(t)[:520])
			seal(m, 0, s.parts[0])
		}, fails: "part 0 has 520 raw bytes, not 2560 as the manifest says"},
		{name: "no zstd", change: func(_ *testing.T, m *archive.Manifest, s *shelf) {
			s.parts[0] = []byte("something else")
			seal(m, 0, s.parts[0])
		}, fails: "part 0: "},
		{name: "a window of 1 GiB", change: func(_ *testing.T, m *archive.Manifest, s *shelf) {
			s.parts[0] = []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0xa0, 1, 0, 0}
			seal(m, 0, s.parts[0])
		}, fails: "part 0: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, s := pack(t, plant(t, tree{"a": file(0o644, noise(1000))}), "a")
			tt.change(t, m, s)
			root := makeFolder(t)
			err := archive.Unpack(t.Context(), root, m, plenty, s.get)
			if !strings.HasPrefix(strings.Replace(fmt.Sprint(err), `"a": `, "", 1), "unpack "+tt.fails) {
				t.Errorf("it says %v", err)
			}
			// Only the rest of a part may be wrong without a file's being so.
			if diff := cmp.Diff(tree{}, look(t, root)); diff != "" && !strings.Contains(tt.fails, "more than") {
				t.Errorf("files (-want +got):\n%.1000s", diff)
			}
			if _, err := open(t, m, s); err == nil && !strings.Contains(tt.fails, "more than") {
				t.Error("it was opened")
			}
		})
	}
}

func open(t *testing.T, m *archive.Manifest, s *shelf) ([]byte, error) {
	t.Helper()
	reader, err := m.Open(t.Context(), "a", s.get)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

// FuzzUnpack: whatever a manifest says and parts hold, nothing is written outside the
// folder, nor more than was declared, and no link leads out.
func FuzzUnpack(f *testing.F) {
	m, s := pack(f, plant(f, tree{"a/b": file(0o644, "some bytes"), "a/l": link("../c"), "c": file(0o755, ""), "d/": folder(0o555)}), "**")
	seed, err := json.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	raw := s.joined(f)
	f.Add(seed, raw)
	f.Add([]byte(`{"version":1,"parts":[{"size":1,"raw":600}],"files":[{"path":"a","link":".."},{"path":"a/canary","size":5,"offset":512}],"bytes":5}`), raw)
	f.Add([]byte(`{"version":1,"parts":[{"size":1,"raw":600}],"files":[{"path":"../canary","size":5,"offset":512}],"bytes":5}`), raw)
	f.Add([]byte(`{"version":1,"parts":[{"size":1,"raw":600}],"files":[{"path":"a","link":"b/../.."},{"path":"b","link":"."}]}`), raw)
	limits := archive.Limits{Files: 20, Bytes: 10_000, ManifestBytes: 10_000}
	f.Fuzz(func(t *testing.T, data, raw []byte) {
		m := &archive.Manifest{}
		if json.Unmarshal(data, m) != nil {
			t.Skip("it is no manifest")
		}
		s := newShelf()
		for n := range min(len(m.Parts), 3) {
			size := min(max(int(m.Parts[n].Raw), 0), len(raw))
			s.parts[n], raw = compress(t, raw[:size]), raw[size:]
			seal(m, n, s.parts[n])
		}
		outer := makeFolder(t)
		if err := outer.WriteFile("canary", []byte("alive"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := outer.Mkdir("inner", 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := outer.OpenRoot("inner")
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_ = archive.Unpack(t.Context(), root, m, limits, s.get)
		checkOutside(t, outer)
		checkInside(t, filepath.Join(outer.Name(), "inner"), m.Bytes)
	})
}

func checkOutside(t *testing.T, outer *os.Root) {
	t.Helper()
	got := look(t, outer)
	for name := range got {
		if strings.HasPrefix(name, "inner/") && name != "inner/" {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(tree{"canary": file(0o600, "alive"), "inner/": folder(0o700)}, got); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
}

func checkInside(t *testing.T, dir string, declared int64) {
	t.Helper()
	home, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			declared -= info.Size()
		}
		if target, err := filepath.EvalSymlinks(path); err == nil && target != home && !strings.HasPrefix(target, home+"/") {
			t.Errorf("%s leads to %s", path, target)
		}
		if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
			t.Errorf("%s is %s", path, info.Mode())
		}
		return nil
	})
	if err != nil || declared < 0 {
		t.Errorf("%d bytes more than declared, %v", -declared, err)
	}
}
