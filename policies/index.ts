import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies";

/** The policy pack: `pulumi preview --policy-pack policies` checks a stack with it. */
new PolicyPack("dhis2-siem", { policies: [...policies], enforcementLevel: "mandatory" });
