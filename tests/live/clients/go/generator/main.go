// What a program does with the Go client that openapi-generator makes.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	api "example.com/crypitor/crypitorapi"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func make_(ctx context.Context, client *api.APIClient) string {
	beacon, label := "0x00000000219ab540356cbb839cbe05303d7705fa", "hot wallet"
	labelled := api.NewLabelledEntry("0xd8da6bf26964af9d7eed9e03e53415d37aa96045")
	labelled.SetLabel(label)
	addresses := []api.AddressEntry{
		api.StringAsAddressEntry(&beacon), api.LabelledEntryAsAddressEntry(labelled),
	}
	token := api.NewTokenRule("erc20")
	token.SetDirection("in")
	token.SetWhere("amount > 5")
	body := api.NewMonitorBody([]string{"ethereum"})
	body.SetName("openapi-generator, Go")
	body.SetAddresses(api.ArrayOfAddressEntryAsMonitorBodyAddresses(&addresses))
	body.SetRules([]api.RuleBody{
		api.NativeRuleAsRuleBody(api.NewNativeRule("native")), api.TokenRuleAsRuleBody(token),
	})
	monitor, _, err := client.MonitorsAPI.CreateMonitor(ctx).MonitorBody(*body).Execute()
	must(err)
	if _, armed := monitor.GetArmedFrom()["ethereum"]; !armed {
		must(fmt.Errorf("armed_from is missing"))
	}
	patch := api.NewMonitorBodyPatch()
	patch.SetNote("changed")
	changed, _, err := client.MonitorsAPI.ChangeMonitor(ctx, monitor.Id).MonitorBodyPatch(*patch).Execute()
	must(err)
	if len(changed.Rules) != 2 {
		must(fmt.Errorf("the rules were changed too"))
	}
	return monitor.Id
}

func matches(ctx context.Context, client *api.APIClient) []string {
	found := []string{}
	request := client.MatchesAPI.ReadMatches(ctx).Limit(2)
	for {
		page, _, err := request.Execute()
		must(err)
		for _, match := range page.Data {
			found = append(found, match.Id)
		}
		cursor := page.NextCursor.Get()
		if cursor == nil {
			return found
		}
		request = request.Cursor(*cursor)
	}
}

func told(text string) []any {
	var body api.WebhookBody
	must(json.Unmarshal([]byte(text), &body))
	ofMatch := func(kind string, match api.MatchBody) []any {
		if contract := match.Contract.Get(); contract != nil {
			return []any{kind, match.Id, contract.Symbol.Get()}
		}
		return []any{kind, match.Id, nil}
	}
	switch told := body.GetActualInstance().(type) {
	case *api.MatchDetected:
		return ofMatch(told.Type, told.Data)
	case *api.MatchConfirmed:
		return ofMatch(told.Type, told.Data)
	case *api.MatchEnded:
		return ofMatch(told.Type, told.Data)
	case *api.MatchReverted:
		return ofMatch(told.Type, told.Data)
	case *api.EndpointFailing:
		return []any{told.Type, told.Data.Endpoint.Id, told.Data.Reason.Get()}
	case *api.EndpointDisabled:
		return []any{told.Type, told.Data.Endpoint.Id, told.Data.Reason.Get()}
	case *api.EndpointMoved:
		return []any{told.Type, told.Data.Endpoint.Id, told.Data.Reason.Get()}
	case *api.Ping:
		return []any{told.Type, nil, nil}
	}
	must(fmt.Errorf("nobody knows this body: %s", text))
	return nil
}

func main() {
	settings := api.NewConfiguration()
	settings.Servers = api.ServerConfigurations{{URL: os.Getenv("CRYPITOR_URL")}}
	client := api.NewAPIClient(settings)
	ctx := context.WithValue(context.Background(), api.ContextAccessToken, os.Getenv("CRYPITOR_KEY"))
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
