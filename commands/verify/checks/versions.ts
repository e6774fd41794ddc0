import type { Finding } from "../finding";
import { type Check, inContainer, orOk, runAgain } from "./context";

/** Elastic's packages are the pinned ones, and held. */
export const versions: Check = ({ site, options, facts }) => {
  const wanted = [
    ...site.agents.map(({ name }) => ({ name, package: "filebeat", version: options.versions.filebeat })),
    ...["elasticsearch", "kibana"].map((package_) => ({
      name: site.siem.name,
      package: package_,
      version: options.versions.elastic,
    })),
  ];
  const wrong = wanted.flatMap(({ name, package: wantedPackage, version }): Finding[] => {
    const inside = facts.inside[name];
    if (inside === undefined) return [];
    const found = inside.packages[wantedPackage];
    const finding = { check: "versions", subject: name };
    if (found?.version !== version) {
      const text = `${wantedPackage} is ${found?.version ?? "not installed"}, pinned is ${version}`;
      return [{ ...finding, severity: found ? "warning" : "problem", text, mend: runAgain(name) }];
    }
    if (found.held) return [];
    const text = `${wantedPackage} ${version} is not held: the next upgrade replaces it`;
    const mend = inContainer(options, name, `apt-mark hold ${wantedPackage}`);
    return [{ ...finding, severity: "warning", text, mend }];
  });
  const { elastic, filebeat } = options.versions;
  return orOk(
    "versions",
    wrong,
    "all",
    `Elasticsearch and Kibana ${elastic}, Filebeat ${filebeat}, pinned and held`,
  );
};
