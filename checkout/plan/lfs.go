package plan

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// LFSClient is the folder, in git's own, of the repository in which Git LFS works. It is
// empty: Git LFS finds no .lfsconfig there, which would send it to other servers.
const LFSClient = "kayci-lfs"

// lfs has the attribute filter=lfs write what a pointer stands for, and nothing else. Git
// computes where to, and Git LFS the hash of what it gets.
func (s Source) lfs(folder string) []Setting {
	return []Setting{
		{"filter.lfs.process", "unset GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX; GIT_DIR=" + ShellWords([]string{path.Join(folder, LFSClient)}) + " exec git-lfs filter-process"},
		{"filter.lfs.required", "true"},
		{"lfs.url", s.Remote.lfs()},
		{"lfs.basicTransfersOnly", "true"},
		{"lfs.sshTransfer", "never"},
		{"lfs.transfer.maxRetries", "3"},
	}
}

// Empty makes an empty repository without files.
func Empty(folder string) Command {
	return Command{"init", "--quiet", "--bare", "--template=", "--initial-branch=main", folder}
}

// Rewrite writes the index anew.
func Rewrite() Command { return Command{"update-index", "--force-write-index"} }

// lfs is the server of Git LFS that belongs to a repository. By ssh the host is asked.
func (r Remote) lfs() string {
	if r.Scheme() == schemeSSH {
		return r.String()
	}
	return strings.TrimSuffix(strings.TrimSuffix(r.String(), "/"), ".git") + ".git/info/lfs"
}

// ShellWords is a command as the shell takes it, which git starts its helpers with.
func ShellWords(command []string) string {
	words := make([]string, 0, len(command))
	for _, word := range command {
		words = append(words, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

// signsOfLFS are those of Git LFS.
func signsOfLFS() []sign {
	return []sign{
		{"no space left on device", NoRoom},
		{"batch response: Repository or object not found", NoLFS},
		{"batch response: Expected JSON type", NoLFS},
		{"batch response: Not Implemented", NoLFS},
		{"Repository or object not found", LFSMissing},
		{": [404] ", LFSMissing},
		{": [410] ", LFSMissing},
		{"LFS budget", LFSQuota},
		{"data quota", LFSQuota},
		{"Bandwidth limit exceeded", LFSQuota},
		{"Insufficient server storage", LFSQuota},
		{"expected OID", LFSCorrupt},
		{"smudge filter: extension '", LFSExtension},
		{"x509: ", Untrusted},
		{"batch response: Git credentials for", Refused},
		{"Authorization error", Refused},
		{"response: Fatal error: ", Unreachable},
		{"Rate limit exceeded", Unreachable},
		{"dial tcp", Unreachable},
		{"connection reset by peer", Unreachable},
		{"i/o timeout", Unreachable},
		{"unexpected EOF", Unreachable},
		{"smudge filter lfs failed", LFSFailed},
	}
}

// adviceLFS says what has failed of Git LFS, or git of itself.
func (s Source) adviceLFS(kind Kind) string {
	host := s.Remote.Host()
	switch kind {
	case NoLFS:
		return fmt.Sprintf("%s has no server of Git LFS for %s, or doesn't show it to these credentials: enable it there; another server, as .lfsconfig may name, is not asked", host, s.Remote)
	case LFSMissing:
		return fmt.Sprintf("%s has not all files of Git LFS that the commit names: push them (git lfs push --all)", host)
	case LFSQuota:
		return fmt.Sprintf("%s sends no more files of Git LFS: raise the limit there, or do without (lfs=false)", host)
	case LFSCorrupt:
		return fmt.Sprintf("%s has sent another file than the commit names: see what its storage of Git LFS holds", host)
	case LFSExtension:
		return "a file of Git LFS wants an extension, a program, and none is run: store it without"
	case LFSFailed:
		return fmt.Sprintf("not all files of Git LFS came from %s", host)
	default:
		return "git failed"
	}
}

// wordlessLFS are lines that say nothing of what has failed, too.
func wordlessLFS(line string) bool {
	return strings.HasPrefix(line, "Downloading ") || strings.HasPrefix(line, "Errors logged to ") || strings.HasPrefix(line, "Use `git lfs logs ") ||
		strings.HasPrefix(line, "error: external filter ") || strings.HasSuffix(line, ": smudge filter lfs failed")
}

// lfsQuestion is how Git LFS asks a host by ssh for a server to download from. Not every
// version of it quotes the path, which whoever chooses the URL has chosen.
var lfsQuestion = regexp.MustCompile(`^git-lfs-authenticate '?[A-Za-z0-9_/~][A-Za-z0-9_./~+-]*'? '?download'?$`)

// AsksForLFS reports whether a command for the host asks where files of Git LFS are.
func AsksForLFS(command string) bool { return lfsQuestion.MatchString(command) }
