package store

import (
	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/caches"
)

// Limits of what jobs keep, in bytes.
type Limits struct {
	// Artifact is the largest, and Run what all of a Run may have together.
	Artifact, Run int64
	// Cache is the largest, and Caches what all of a namespace may have together: beyond
	// that those go that were used longest ago.
	Cache, Caches int64
}

const (
	// maxFiles of an artifact or a cache, and what the list of them may have, in bytes.
	maxFiles, maxManifest = 200_000, 64 << 20
	// maxArtifacts of a job.
	maxArtifacts = 32
)

// archives bounds the lists of files that people's requests have the store read: those
// were checked when they were sent, with limits that may have been wider than they are now.
func archives() archive.Limits {
	return archive.Limits{Files: 1_000_000, Bytes: 1 << 40, ManifestBytes: 128 << 20}
}

func (o *Options) artifacts() artifacts.Limits {
	return artifacts.Limits{
		Archive: archive.Limits{Files: maxFiles, Bytes: o.Limits.Artifact, ManifestBytes: maxManifest},
		Run:     o.Limits.Run, Pod: maxArtifacts,
	}
}

func (o *Options) caches() caches.Limits {
	return caches.Limits{
		Archive:   archive.Limits{Files: maxFiles, Bytes: o.Limits.Cache, ManifestBytes: maxManifest},
		Namespace: o.Limits.Caches,
	}
}
