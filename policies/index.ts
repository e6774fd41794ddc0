import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies";

/** `pulumi preview --policy-pack policies` */
new PolicyPack("dhis2-siem", { policies: [...policies], enforcementLevel: "mandatory" });
