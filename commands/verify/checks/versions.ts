import type { Finding } from "../finding";
import { type Check, inContainer, findingsOrOk, raiseGeneration } from "./context";

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
    const inside = facts.containers[name];
    if (inside === undefined) return [];
    const found = inside.packages[wantedPackage];
    const finding = { check: "versions", subject: name };
    if (found?.version !== version) {
      const text = `${wantedPackage} is ${found?.version ?? "not installed"}, pinned is ${version}`;
      return [{ ...finding, severity: found ? "warning" : "problem", text, fix: raiseGeneration(name) }];
    }
    if (found.held) return [];
    const text = `${wantedPackage} ${version} is not held: the next upgrade replaces it`;
    const fix = inContainer(options, name, `apt-mark hold ${wantedPackage}`);
    return [{ ...finding, severity: "warning", text, fix }];
  });
  const { elastic, filebeat } = options.versions;
  return findingsOrOk(
    "versions",
    wrong,
    "all",
    `Elasticsearch and Kibana ${elastic}, Filebeat ${filebeat}, pinned and held`,
  );
};
