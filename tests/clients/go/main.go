// Calls POST Enrollment/PFX/Replace by Keyfactor's own SDK, unchanged: reads requests from standard input, one JSON
// object a line, and writes what the SDK makes of each answer, one JSON object a line.
//
// usage: keyfactor-client HOST:PORT CA_FILE; the token is in the environment variable TOKEN.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"time"

	"github.com/Keyfactor/keyfactor-auth-client-go/auth_providers"
	keyfactor "github.com/Keyfactor/keyfactor-go-client-sdk/v25"
	v1 "github.com/Keyfactor/keyfactor-go-client-sdk/v25/api/keyfactor/v1"
)

type request struct {
	Existing    *int32
	Certificate *int32
	Request     *int32
	Password    *string
	JobTime     *time.Time
}

type answer struct {
	Status     int
	Successful []string
	Failed     []string
	Error      string
	Body       string
}

func call(client *keyfactor.APIClient, asked request) answer {
	body := v1.NewCSSCMSDataModelModelsEnrollmentExistingEnrollmentManagementRequest()
	body.ExistingCertificateId = asked.Existing
	body.CertificateId = asked.Certificate
	body.RequestId = asked.Request
	body.JobTime = asked.JobTime
	if asked.Password != nil {
		body.SetPassword(*asked.Password)
	} else {
		body.SetPasswordNil()
	}
	found, response, err := client.V1.EnrollmentApi.NewCreateEnrollmentPFXReplaceRequest(context.Background()).
		CSSCMSDataModelModelsEnrollmentExistingEnrollmentManagementRequest(*body).Execute()
	var got answer
	if response != nil {
		got.Status = response.StatusCode
	}
	if err != nil {
		got.Error = err.Error()
		var told *v1.GenericOpenAPIError
		if errors.As(err, &told) {
			got.Body = string(told.Body())
		}
		return got
	}
	got.Successful, got.Failed = found.SuccessfulStores, found.FailedStores
	return got
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: keyfactor-client HOST:PORT CA_FILE")
	}
	failed := log.New(os.Stderr, "keyfactor-client: ", 0)
	log.SetOutput(io.Discard) // the SDK traces requests with their tokens
	client, err := keyfactor.NewAPIClient(&auth_providers.Server{
		Host: os.Args[1], APIPath: "KeyfactorAPI", AccessToken: os.Getenv("TOKEN"), CACertPath: os.Args[2]})
	if err != nil {
		failed.Fatal(err)
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var asked request
		if err := in.Decode(&asked); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			failed.Fatal(err)
		}
		if err := out.Encode(call(client, asked)); err != nil {
			failed.Fatal(err)
		}
	}
}
