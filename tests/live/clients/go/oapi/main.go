// What a program does with the client that oapi-codegen makes.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	api "example.com/crypitor/oapi/client"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pointer[T any](value T) *T { return &value }

func make_(ctx context.Context, client *api.ClientWithResponses) string {
	entries := make([]api.AddressEntry, 2)
	must(entries[0].FromAddressEntry0("0x00000000219ab540356cbb839cbe05303d7705fa"))
	must(entries[1].FromLabelledEntry(api.LabelledEntry{
		Address: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045", Label: pointer("hot wallet"),
	}))
	var addresses api.MonitorBody_Addresses
	must(addresses.FromMonitorBodyAddresses1(entries))
	rules := make([]api.RuleBody, 2)
	must(rules[0].FromNativeRule(api.NativeRule{Kind: api.NativeRuleKindNative}))
	must(rules[1].FromTokenRule(api.TokenRule{
		Kind: api.TokenRuleKindErc20, Direction: pointer(api.TokenRuleDirectionIn), Where: pointer("amount > 5"),
	}))
	answer, err := client.CreateMonitorWithResponse(ctx, nil, api.MonitorBody{
		Name: pointer("oapi-codegen"), Networks: []string{"ethereum"}, Addresses: &addresses, Rules: &rules,
	})
	must(err)
	if answer.JSON201 == nil {
		must(fmt.Errorf("%s", answer.Body))
	}
	if _, armed := (*answer.JSON201.ArmedFrom)["ethereum"]; !armed {
		must(fmt.Errorf("armed_from is missing"))
	}
	changed, err := client.ChangeMonitorWithResponse(ctx, answer.JSON201.Id, nil, api.MonitorBodyPatch{
		Note: pointer("changed"),
	})
	must(err)
	if changed.JSON200 == nil || len(changed.JSON200.Rules) != 2 {
		must(fmt.Errorf("%s", changed.Body))
	}
	return answer.JSON201.Id
}

func matches(ctx context.Context, client *api.ClientWithResponses) []string {
	found := []string{}
	asked := api.ReadMatchesParams{Limit: pointer(2)}
	for {
		page, err := client.ReadMatchesWithResponse(ctx, &asked)
		must(err)
		if page.JSON200 == nil {
			must(fmt.Errorf("%s", page.Body))
		}
		for _, match := range page.JSON200.Data {
			found = append(found, match.Id)
		}
		if page.JSON200.NextCursor == nil {
			return found
		}
		asked.Cursor = page.JSON200.NextCursor
	}
}

func told(text string) []any {
	var body api.WebhookBody
	must(json.Unmarshal([]byte(text), &body))
	value, err := body.ValueByDiscriminator()
	must(err)
	ofMatch := func(kind any, match api.MatchBody) []any {
		if match.Contract != nil {
			return []any{kind, match.Id, match.Contract.Symbol}
		}
		return []any{kind, match.Id, nil}
	}
	switch told := value.(type) {
	case api.MatchDetected:
		return ofMatch(told.Type, told.Data)
	case api.MatchConfirmed:
		return ofMatch(told.Type, told.Data)
	case api.MatchEnded:
		return ofMatch(told.Type, told.Data)
	case api.MatchReverted:
		return ofMatch(told.Type, told.Data)
	case api.EndpointFailing:
		return []any{told.Type, told.Data.Endpoint.Id, told.Data.Reason}
	case api.EndpointDisabled:
		return []any{told.Type, told.Data.Endpoint.Id, told.Data.Reason}
	case api.EndpointMoved:
		return []any{told.Type, told.Data.Endpoint.Id, told.Data.Reason}
	case api.Ping:
		return []any{told.Type, nil, nil}
	}
	must(fmt.Errorf("nobody knows this body: %s", text))
	return nil
}

func main() {
	ctx := context.Background()
	client, err := api.NewClientWithResponses(os.Getenv("CRYPITOR_URL"), api.WithRequestEditorFn(
		func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+os.Getenv("CRYPITOR_KEY"))
			return nil
		},
	))
	must(err)
	text, err := os.ReadFile(os.Getenv("CRYPITOR_WEBHOOKS"))
	must(err)
	var bodies []string
	must(json.Unmarshal(text, &bodies))
	webhooks := [][]any{}
	for _, body := range bodies {
		webhooks = append(webhooks, told(body))
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"monitor": make_(ctx, client), "matches": matches(ctx, client), "webhooks": webhooks,
	}))
}
