package bucket

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Options say where a bucket is, and who asks.
type S3Options struct {
	// Endpoint is the server's URL, https or http, without a path.
	Endpoint string
	Bucket   string
	// Prefix is a folder of the bucket that objects are kept below; empty: the whole bucket.
	Prefix string
	// Region of the bucket; empty: what the server says.
	Region string
	// PathStyle puts the bucket into the path of URLs also at Amazon, Google and Alibaba,
	// whose stores have it in the host's name otherwise. All others have it in the path.
	PathStyle bool
	// AccessKey and SecretKey; if both are empty they come from the environment
	// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), or from the identity
	// that a pod or machine has in the cloud.
	AccessKey, SecretKey string
	// CAFile has PEM certificates of authorities to trust beside the system's.
	CAFile string
	// Timeout of a request, to which its size adds; 0: 30 seconds.
	Timeout time.Duration
}

// NewS3 asks nothing of the server yet: Check does.
func NewS3(options S3Options) (*S3, error) {
	s, err := newS3(options)
	if err != nil {
		return nil, fmt.Errorf("the store's bucket %.100q: %w", options.Bucket, err)
	}
	return s, nil
}

func newS3(options S3Options) (*S3, error) {
	endpoint, err := url.Parse(options.Endpoint)
	if err != nil {
		// The error repeats the URL, which may hold a password.
		return nil, errors.New("the endpoint is no URL")
	}
	if (endpoint.Scheme != "https" && endpoint.Scheme != "http") || endpoint.Host == "" || endpoint.User != nil ||
		strings.Trim(endpoint.Path, "/") != "" || endpoint.RawQuery != "" || endpoint.Fragment != "" {
		return nil, errors.New("the endpoint must be https://HOST or http://HOST, perhaps with a port, and nothing else")
	}
	prefix := strings.Trim(options.Prefix, "/")
	if prefix != "" {
		if err := checkName(prefix); err != nil {
			return nil, err
		}
		prefix += "/"
	}
	who, err := credentialsOf(options)
	if err != nil {
		return nil, err
	}
	transport, err := transportOf(options, endpoint.Scheme == "https")
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if options.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds:        who,
		Secure:       endpoint.Scheme == "https",
		Transport:    transport,
		Region:       options.Region,
		BucketLookup: lookup,
		MaxRetries:   maxTries,
	})
	if err != nil {
		return nil, err
	}
	return &S3{client: client, bucket: options.Bucket, prefix: prefix}, nil
}

func transportOf(options S3Options, secure bool) (http.RoundTripper, error) {
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, err
	}
	timeout := options.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	if options.CAFile != "" {
		if err := trust(transport, options.CAFile); err != nil {
			return nil, err
		}
	}
	return patience{next: transport, timeout: timeout}, nil
}

func trust(transport *http.Transport, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the CA's file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("the CA's file %s holds no certificate in PEM", file)
	}
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.RootCAs = pool
	return nil
}

func credentialsOf(options S3Options) (*credentials.Credentials, error) {
	switch {
	case options.AccessKey != "" && options.SecretKey != "":
		return credentials.NewStaticV4(options.AccessKey, options.SecretKey, ""), nil
	case options.AccessKey != "" || options.SecretKey != "":
		return nil, errors.New("of the access key and the secret key one is missing")
	}
	return credentials.New(&found{environment: &credentials.EnvAWS{}, identity: &credentials.IAM{}}), nil
}

// found are credentials of the process. The library's own chain of providers hides why
// there are none, and asks without any then.
type found struct {
	environment, identity credentials.Provider
	current               credentials.Provider
}

// RetrieveWithCredContext looks in the environment and then asks for an identity.
func (f *found) RetrieveWithCredContext(c *credentials.CredContext) (credentials.Value, error) {
	var value credentials.Value
	var err error
	for _, f.current = range []credentials.Provider{f.environment, f.identity} {
		value, err = f.current.RetrieveWithCredContext(c)
		if err == nil && value.AccessKeyID != "" && value.SecretAccessKey != "" {
			return value, nil
		}
	}
	f.current = nil
	if err == nil {
		err = errors.New("it is anonymous")
	}
	return credentials.Value{}, fmt.Errorf("there are no credentials: none in the options or the environment, and the pod's or machine's identity gave none (%w)", err)
}

// Retrieve is RetrieveWithCredContext without its context.
func (f *found) Retrieve() (credentials.Value, error) { return f.RetrieveWithCredContext(nil) }

// IsExpired tells whether to look again.
func (f *found) IsExpired() bool { return f.current == nil || f.current.IsExpired() }
